package apt

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const shown = `Package: linux-headers-6.12.117+deb12-cloud-amd64
Source: linux-6.12
Version: 6.12.117-1~deb12u1
Depends: linux-base (>= 4.12~), linux-headers-6.12.117+deb12-common (= 6.12.117-1~deb12u1), linux-image-6.12.117+deb12-cloud-amd64 (= 6.12.117-1~deb12u1) | linux-image-6.12.117+deb12-cloud-amd64-unsigned (= 6.12.117-1~deb12u1), linux-kbuild-6.12.117+deb12, gcc-12:amd64
Description: Header files
 This line says Depends: nothing
Filename: pool/l/headers.deb
Size: 2931728

Package: linux-kbuild-6.1
Status: install ok installed
Version: 6.1.1-1
Size: 7

`

func TestParseStanzas(t *testing.T) {
	want := []Stanza{
		{
			Package: Package{"linux-headers-6.12.117+deb12-cloud-amd64", "6.12.117-1~deb12u1"}, Size: 2931728,
			Depends: []string{
				"linux-base", "linux-headers-6.12.117+deb12-common=6.12.117-1~deb12u1",
				"linux-image-6.12.117+deb12-cloud-amd64=6.12.117-1~deb12u1", "linux-kbuild-6.12.117+deb12", "gcc-12",
			},
		},
		{Package: Package{"linux-kbuild-6.1", "6.1.1-1"}}, // only installed: cannot be fetched
	}
	if diff := cmp.Diff(want, parseStanzas(shown)); diff != "" {
		t.Errorf("parseStanzas (-want +got):\n%s", diff)
	}
}

// notTools leaves out what the packages of the test need on the host.
func notTools(name string) bool { return strings.HasPrefix(name, "linux-") && name != "linux-base" }

func TestClosureOnUbuntu(t *testing.T) {
	archive := map[string][]string{
		"linux-image-6.8.0-40-generic":   {"kmod", "linux-base", "linux-modules-6.8.0-40-generic"},
		"linux-headers-6.8.0-40-generic": {"linux-hwe-6.8-headers-6.8.0-40", "libc6", "libelf1t64"},
		"linux-modules-6.8.0-40-generic": nil,
		"linux-hwe-6.8-headers-6.8.0-40": {"coreutils"},
	}
	rounds := 0
	show := func(_ context.Context, names []string) ([]Stanza, error) {
		rounds++
		var all []Stanza
		for _, n := range names {
			deps, ok := archive[n]
			if !ok {
				return nil, errors.New("asked for " + n)
			}
			all = append(all, Stanza{Package: Package{Name: n}, Depends: deps})
		}
		return all, nil
	}
	stanzas, err := Closure(t.Context(), show, notTools, "linux-image-6.8.0-40-generic", "linux-headers-6.8.0-40-generic")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range stanzas {
		got = append(got, s.Name)
	}
	want := []string{"linux-headers-6.8.0-40-generic", "linux-hwe-6.8-headers-6.8.0-40", "linux-image-6.8.0-40-generic", "linux-modules-6.8.0-40-generic"}
	if !slices.Equal(got, want) || rounds != 2 {
		t.Errorf("closure = %v in %d rounds, want %v in 2", got, rounds, want)
	}
}
