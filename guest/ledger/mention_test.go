package ledger

import (
	"testing"

	"ktcp/guest/cause"
	"ktcp/guest/wire"
)

// TestMentionFindsWhatIsOwned makes sure that the quick test never hides a frame.
func TestMentionFindsWhatIsOwned(t *testing.T) {
	both := cause.Module{Name: "kweb", Text: []wire.Range{{Start: 0xffffffffc0400000, End: 0xffffffffc0402000}}}
	for _, tt := range []struct {
		m    cause.Module
		text string
		want bool
	}{
		{both, "        kweb_start+0x40/0x120 [kweb]\n", true},
		{both, "        0xffffffffc0400123\n", true},
		{both, "        vfs_write+0x10/0x20\n", false},
		{cause.Module{Name: "kweb"}, "        0xffffffffc0400123\n", false},
		{cause.Module{}, "        f+0x10/0x20 [kweb]\n", false},
	} {
		if got := mention(tt.m)([]byte(tt.text)); got != tt.want {
			t.Errorf("%+v mentioned in %q = %v, want %v", tt.m, tt.text, got, tt.want)
		}
	}
}
