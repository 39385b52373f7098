package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ktcp/harness/cache"
)

// The distribution's own packages, through the user's cache: what the other tests imitate.
func TestProvisionFromDistribution(t *testing.T) {
	c, err := cache.Open()
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for _, want := range []string{"", "6.1", "6.12"} {
		k, err := Provision(t.Context(), Spec{Want: want, Cache: c, Logf: t.Logf})
		if errors.Is(err, ErrNoPackage) && want != "" {
			t.Logf("this distribution has no %s: %v", want, err)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if want != "" && !strings.HasPrefix(k.Release, want+".") {
			t.Errorf("%q: release %s", want, k.Release)
		}
		if other, ok := ids[k.ID]; ok && other != k.Release {
			t.Errorf("%s and %s have the same ID", other, k.Release)
		}
		ids[k.ID] = k.Release
		for _, path := range []string{k.Image, filepath.Join(k.Build, "include/generated/autoconf.h"), filepath.Join(k.Modules, "kernel")} {
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%q: %v", want, err)
			}
		}
		if !strings.HasPrefix(k.CC, "gcc-") || k.Config["CONFIG_MODULES"] != "y" {
			t.Errorf("%q: compiler %q, CONFIG_MODULES=%s", want, k.CC, k.Config["CONFIG_MODULES"])
		}
	}
}

func BenchmarkProvisionWarm(b *testing.B) {
	c, err := cache.Open()
	if err != nil {
		b.Fatal(err)
	}
	s := Spec{Cache: c}
	if _, err := Provision(b.Context(), s); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Provision(b.Context(), s); err != nil {
			b.Fatal(err)
		}
	}
}
