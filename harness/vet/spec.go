package vet

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"ktcp/harness/subject"
)

// Spec says who is judged, as what, and where the words go.
type Spec struct {
	Root      string       // the project's directory
	Dirs      []string     // with a module each
	As        subject.Role // "" is told by each module itself
	Module    string       // which one, where a directory makes several
	Params    []string     // for every insmod, as "port=80"
	Port      int          // where the module listens; 0 is its role's port, or wherever it is found to listen
	RootParam string       // what it calls WWWROOT
	Claims    []subject.Feature
	Match     string // of the scenarios that apply, those that match this regular expression; "" for all
	JSON      bool
	Command   string    // what the user typed
	Out       io.Writer // the report
	Progress  io.Writer // lines about what takes time
}

// Validate reports what is missing or malformed in s.
func (s Spec) Validate() error {
	if len(s.Dirs) == 0 {
		return errors.New("name the directory of a module, as ~/my-khttpd")
	}
	if s.Module != "" && len(s.Dirs) > 1 {
		return errors.New("--module is for one directory")
	}
	if _, err := regexp.Compile(s.Match); err != nil {
		return fmt.Errorf("--run: %w", err)
	}
	for _, f := range s.Claims {
		if !slices.Contains(subject.Features, f) {
			var names []string
			for _, f := range subject.Features {
				names = append(names, string(f))
			}
			return fmt.Errorf("--claim %s: want one of %s", f, strings.Join(names, ", "))
		}
	}
	probe := subject.Stranger{Dir: "vet", Role: subject.Echo, Port: s.Port, Params: s.Params}
	return probe.Validate()
}

// flags returns the options that make another run judge a module as this one did.
func (s Spec) flags(role subject.Role) string {
	flags := " --as " + string(role)
	if s.Module != "" {
		flags += " --module " + s.Module
	}
	for _, p := range s.Params {
		flags += " --param " + quote(p)
	}
	if s.Port != 0 {
		flags += fmt.Sprintf(" --port %d", s.Port)
	}
	if s.RootParam != "" {
		flags += " --root-param " + quote(s.RootParam)
	}
	for _, f := range s.Claims {
		flags += " --claim " + quote(string(f))
	}
	return flags
}

var plain = regexp.MustCompile(`^[\w@%+=:,./~-]+$`)

// quote returns text as a shell takes it.
func quote(text string) string {
	if plain.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
