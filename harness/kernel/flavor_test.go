package kernel

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseFragment(t *testing.T) {
	const text = `# Words.

CONFIG_A=y
# CONFIG_B is not set
CONFIG_NEW=y since 6.2
CONFIG_OLD="a b" until 6.10
# CONFIG_C is not set since 6.12
CONFIG_N=16
`
	for series, want := range map[string]string{
		"6.1":  "CONFIG_A=y, # CONFIG_B is not set, CONFIG_OLD=a b, CONFIG_N=16",
		"6.2":  "CONFIG_A=y, # CONFIG_B is not set, CONFIG_NEW=y, CONFIG_OLD=a b, CONFIG_N=16",
		"6.12": "CONFIG_A=y, # CONFIG_B is not set, CONFIG_NEW=y, # CONFIG_C is not set, CONFIG_N=16",
	} {
		got, err := parseFragment(text, series)
		var lines []string
		for _, o := range got {
			lines = append(lines, o.String())
		}
		if diff := cmp.Diff(want, strings.Join(lines, ", ")); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", series, err, diff)
		}
	}
	for _, bad := range []string{"CONFIG_A", "CONFIG_A=y from 6.2", "# CONFIG_A is unset", "A=y"} {
		if _, err := parseFragment("\n"+bad+"\n", "6.1"); err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Every fragment can be read, and a flavor asks for nothing twice: the last of two would win in silence.
func TestFragments(t *testing.T) {
	for _, flavor := range []string{KASAN, KCSAN} {
		for _, series := range []string{"6.1", "6.12"} {
			got, err := options(flavor, series)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, o := range got {
				if slices.Contains(names, o.name) {
					t.Errorf("%s %s: %s is there twice", flavor, series, o.name)
				}
				names = append(names, o.name)
			}
		}
	}
}

func TestUnmet(t *testing.T) {
	asked := []option{{"CONFIG_A", "y"}, {"CONFIG_B", ""}, {"CONFIG_C", "16"}, {"CONFIG_D", ""}}
	got := unmet(asked, map[string]string{"CONFIG_A": "m", "CONFIG_B": "y", "CONFIG_C": "16"})
	want := []string{"CONFIG_A=y (it is m)", "# CONFIG_B is not set (it is y)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
