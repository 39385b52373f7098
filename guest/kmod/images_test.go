package kmod

import (
	"testing"

	"ktcp/guest/wire"
)

func TestImages(t *testing.T) {
	var images Images
	if err := images.Fill(&wire.InsmodRequest{Name: "kweb"}); err == nil {
		t.Error("an image that was never sent is no error")
	}
	for _, step := range []struct{ name, sent, want string }{
		{"kweb", "first", "first"}, {"kecho", "other", "other"}, {"kweb", "", "first"}, {"kweb", "second", "second"}, {"kweb", "", "second"},
	} {
		req := wire.InsmodRequest{Name: step.name, Image: []byte(step.sent)}
		if err := images.Fill(&req); err != nil || string(req.Image) != step.want {
			t.Errorf("%s with image %q: got %q, %v, want %q", step.name, step.sent, req.Image, err, step.want)
		}
	}
}
