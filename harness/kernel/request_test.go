package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseRequest(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.Mkdir("linux", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("file", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for want, expect := range map[string]request{
		"":                                     {},
		"host":                                 {host: true},
		"6.1":                                  {name: "6.1"},
		"6.1.0-56-cloud-amd64":                 {name: "6.1.0-56-cloud-amd64"},
		"linux-image-6.1.0-56-cloud-amd64":     {name: "6.1.0-56-cloud-amd64"},
		"linux-image-6.1.0-56-amd64-unsigned":  {name: "6.1.0-56-amd64"},
		"linux-image-unsigned-6.8.0-9-generic": {name: "6.8.0-9-generic"},
		"6.12.117-1~deb12u1":                   {name: "6.12.117-1~deb12u1"},
		"linux":                                {dir: filepath.Join(dir, "linux")},
		"./linux/":                             {dir: filepath.Join(dir, "linux")},
	} {
		if got, err := parseRequest(want); err != nil || got != expect {
			t.Errorf("parseRequest(%q) = %+v, %v; want %+v", want, got, err, expect)
		}
	}
	for want, expect := range map[string]struct {
		err  error
		text string
	}{
		"./nowhere":   {ErrNotKernel, "does not exist"},
		"./file":      {ErrNotKernel, "not a directory"},
		"newest":      {ErrNoPackage, `"newest"`},
		"linux-image": {ErrNoPackage, "linux-image"},
	} {
		_, err := parseRequest(want)
		if !errors.Is(err, expect.err) || !strings.Contains(err.Error(), expect.text) {
			t.Errorf("parseRequest(%q) = %v, want %v with %q", want, err, expect.err, expect.text)
		}
	}
}

func TestUnknownFlavor(t *testing.T) {
	_, err := Provision(t.Context(), Spec{Cache: openCache(t), Flavor: "kmsan"})
	if !errors.Is(err, ErrUnknownFlavor) || !strings.Contains(err.Error(), "known: stock, kasan, kcsan") {
		t.Errorf("flavor kmsan: %v", err)
	}
	// What somebody else has built is of the flavor that it is.
	for _, want := range []string{"host", t.TempDir()} {
		_, err := Provision(t.Context(), Spec{Cache: openCache(t), Flavor: KASAN, Want: want})
		if !errors.Is(err, ErrUnknownFlavor) || !strings.Contains(err.Error(), "KERNEL must be a series") || Flavorable(want) {
			t.Errorf("flavor of %s: %v", want, err)
		}
	}
}
