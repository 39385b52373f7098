package kernel

import (
	"cmp"
	"strings"
)

// compareVersions compares two versions as Debian's policy orders them: runs of digits by value, everything else by
// character, letters before other characters, a tilde before everything, even the end.
func compareVersions(a, b string) int {
	for a != "" || b != "" {
		var textA, textB, numA, numB string
		textA, a = split(a, false)
		textB, b = split(b, false)
		if c := compareText(textA, textB); c != 0 {
			return c
		}
		numA, a = split(a, true)
		numB, b = split(b, true)
		numA, numB = strings.TrimLeft(numA, "0"), strings.TrimLeft(numB, "0")
		if c := cmp.Or(cmp.Compare(len(numA), len(numB)), strings.Compare(numA, numB)); c != 0 {
			return c
		}
	}
	return 0
}

// split cuts off the leading run of digits, or of everything else.
func split(s string, digits bool) (run, rest string) {
	i := 0
	for i < len(s) && isDigit(s[i]) == digits {
		i++
	}
	return s[:i], s[i:]
}

func compareText(a, b string) int {
	for i := range max(len(a), len(b)) {
		if c := cmp.Compare(weight(a, i), weight(b, i)); c != 0 {
			return c
		}
	}
	return 0
}

// weight is the place in the order of the character at i, or of the end.
func weight(s string, i int) int {
	switch {
	case i >= len(s):
		return 0
	case s[i] == '~':
		return -1
	case s[i] >= 'a' && s[i] <= 'z', s[i] >= 'A' && s[i] <= 'Z':
		return int(s[i])
	default:
		return int(s[i]) + 256
	}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
