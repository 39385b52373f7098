package kernel

import (
	"fmt"
	"slices"
	"strings"
)

// DefaultFlavors are the flavors that modules are judged on where the user names none.
const DefaultFlavors = Stock + " " + KASAN

// ChooseFlavors returns the flavors that text names, separated by blanks or commas, or "all". Where it names none, they are
// [DefaultFlavors] or, where the kernel is one that cannot be had in flavors, stock alone, which the note says.
func ChooseFlavors(text, want string) (chosen []string, note string, err error) {
	switch {
	case text == "" && !Flavorable(want):
		return []string{Stock}, fmt.Sprintf("KERNEL=%s is taken as it is: no other flavor of it was run", want), nil
	case text == "":
		text = DefaultFlavors
	case text == "all":
		return Flavors(), "", nil
	}
	for _, f := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' }) {
		if !slices.Contains(flavors, f) {
			return nil, "", fmt.Errorf("%w: %q: choose from %s, or all", ErrUnknownFlavor, f, strings.Join(flavors, ", "))
		}
		if !slices.Contains(chosen, f) {
			chosen = append(chosen, f)
		}
	}
	if chosen == nil {
		return nil, "", fmt.Errorf("%w: it is blank: choose from %s, or all", ErrUnknownFlavor, strings.Join(flavors, ", "))
	}
	return chosen, "", nil
}
