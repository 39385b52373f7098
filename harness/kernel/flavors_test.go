package kernel

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChooseFlavors(t *testing.T) {
	for _, tt := range []struct {
		text, kernel string
		want         []string
		note         bool
	}{
		{"", "", []string{"stock", "kasan"}, false},
		{"", "6.12", []string{"stock", "kasan"}, false},
		{"", "host", []string{"stock"}, true},
		{"all", "", []string{"stock", "kasan", "kcsan"}, false},
		{"kasan, stock kasan", "", []string{"kasan", "stock"}, false},
	} {
		got, note, err := ChooseFlavors(tt.text, tt.kernel)
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" || (note != "") != tt.note {
			t.Errorf("%q on %q: %v, note %q (-want +got):\n%s", tt.text, tt.kernel, err, note, diff)
		}
	}
	for _, bad := range []string{"kmsan", " "} {
		if _, _, err := ChooseFlavors(bad, ""); !errors.Is(err, ErrUnknownFlavor) || !strings.Contains(err.Error(), "choose from stock, kasan, kcsan") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
