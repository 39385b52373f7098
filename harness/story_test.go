package harness

import (
	"slices"
	"strings"
	"testing"

	"ktcp/guest/wire"
)

func TestStory(t *testing.T) {
	request := []string{"connect", "send 9 bytes", "receive", "close"}
	for _, c := range []struct {
		steps []string
		want  string
	}{
		{nil, ""},
		{[]string{"insmod khttpd", "connect", "rmmod khttpd", "close"}, "insmod khttpd; connect; rmmod khttpd; close"},
		{slices.Concat(slices.Repeat([]string{"connect"}, 256), []string{"close"}), "256 × connect; close"},
		{slices.Concat(slices.Repeat(request, 20), []string{"rmmod kweb"}), "20 × (connect, send 9 bytes, receive, close); rmmod kweb"},
	} {
		if got := story(c.steps); got != c.want {
			t.Errorf("story(%q) = %q, want %q", c.steps, got, c.want)
		}
	}
	var different []string
	for i := range 40 {
		different = append(different, strings.Repeat("x", i))
	}
	if got := story(different); strings.Count(got, "; ") != mostSteps {
		t.Errorf("a long story is told in %d steps: %s", strings.Count(got, "; "), got)
	}
}

func TestStep(t *testing.T) {
	for want, req := range map[string]any{
		"insmod kweb port=80":        wire.InsmodRequest{Name: "kweb", Params: "port=80"},
		"connect in red":             wire.DialRequest{Netns: "red", Addr: "127.0.0.1:80"},
		"send 1 byte":                wire.SendRequest{Data: []byte("x")},
		"50 clients connect in red":  wire.DialManyRequest{Netns: "red", Count: 50},
		"50 clients close":           wire.CloseManyRequest{Count: 50, Mode: wire.CloseFIN},
		"50 clients reset":           wire.CloseManyRequest{Count: 50},
		"half-close":                 wire.CloseRequest{Mode: wire.CloseWrite},
		`write "1" to status in red`: wire.WriteRequest{Netns: "red", Path: StatusFile, Data: []byte("1")},
		"":                           wire.KmsgRequest{},
		"insmod kweb again and again, another allocation failing each time": wire.SweepRequest{Insmod: &wire.InsmodRequest{Name: "kweb"}},
		"2 threads write 0 and 1 to status in turn":                         wire.WriteLoopRequest{Path: StatusFile, Values: []string{"0", "1"}, Threads: 2},
	} {
		if got := step(req); got != want {
			t.Errorf("step(%+v) = %q, want %q", req, got, want)
		}
	}
}
