package kernel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"ktcp/harness/apt"
	"ktcp/harness/cache"
)

const (
	oldRelease = "6.1.0-1-cloud-amd64"
	newRelease = "6.1.0-2-cloud-amd64"
)

// provision is Provision with the apt of an archive. It returns what was said meanwhile.
func (a *archive) provision(ctx context.Context, c *cache.Dir, want string) (*Kernel, []string, error) {
	var mu sync.Mutex
	var said []string
	p := newProvisioner(Spec{Want: want, Cache: c, Logf: func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, fmt.Sprintf(format, args...))
	}})
	p.apt.System = a.system
	r, err := parseRequest(want)
	if err != nil {
		return nil, nil, err
	}
	k, err := p.packaged(ctx, r)
	mu.Lock()
	defer mu.Unlock()
	return k, said, err
}

// mustProvision fails the test unless the kernel of that release is provisioned.
func (a *archive) mustProvision(c *cache.Dir, want, release string) (*Kernel, []string) {
	a.tb.Helper()
	k, said, err := a.provision(a.tb.Context(), c, want)
	if err != nil {
		a.tb.Fatalf("provision %q: %v", want, err)
	}
	if k.Release != release {
		a.tb.Fatalf("provision %q: %s, want %s", want, k.Release, release)
	}
	return k, said
}

func says(lines []string, text string) bool {
	return slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, text) })
}

func TestProvisionPackaged(t *testing.T) {
	a := newArchive(t)
	t.Setenv("APT_CONFIG", a.conf)
	a.publish(oldRelease, "6.1.10-1")
	a.update()
	c := openCache(t)

	k, said := a.mustProvision(c, "", oldRelease)
	if len(said) != 1 || !strings.HasPrefix(said[0], "fetching and unpacking linux-image-"+oldRelease) {
		t.Errorf("said %q", said)
	}
	if err := k.CheckVirtio(); err != nil {
		t.Error(err)
	}
	if !k.hasVersion("6.1.10-1") || len(k.Packages) != 4 || k.CC != "gcc-12" {
		t.Errorf("kernel = %+v", k)
	}
	for _, path := range []string{k.Image, k.Build + "/scripts/mod/modpost", k.Modules + "/modules.builtin", k.Modules + "/build/Makefile"} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(c.Root(), cacheKind, ".*")); left != nil {
		t.Errorf("left behind: %v", left)
	}

	// As long as the lists are the same, apt is not even started.
	asked := a.asked()
	path := os.Getenv("PATH")
	t.Setenv("PATH", "/nonexistent")
	if _, said = a.mustProvision(c, "", oldRelease); said != nil || a.asked() != asked {
		t.Errorf("the second time it said %q and fetched %d packages", said, a.asked()-asked)
	}
	t.Setenv("PATH", path)

	// A new kernel is taken when the lists have it, not before.
	a.publish(newRelease, "6.1.11-1")
	a.mustProvision(c, "", oldRelease)
	a.update()
	k2, _ := a.mustProvision(c, "", newRelease)
	if k2.ID == k.ID {
		t.Error("two kernels have the same ID")
	}
	// The old one can be asked for by release, package or version.
	for _, want := range []string{oldRelease, "linux-image-" + oldRelease, "6.1.0-1", "6.1.10-1"} {
		if again, said := a.mustProvision(c, want, oldRelease); again.ID != k.ID || says(said, "fetching") {
			t.Errorf("%q: ID %s, said %q", want, again.ID, said)
		}
	}
}

func TestProvisionWithoutLists(t *testing.T) {
	a := newArchive(t)
	t.Setenv("APT_CONFIG", a.conf)
	a.publish(oldRelease, "6.1.10-1")
	if _, said := a.mustProvision(openCache(t), "", oldRelease); !says(said, "lists are empty") {
		t.Errorf("said %q", said)
	}
}

func TestProvisionWithStaleLists(t *testing.T) {
	a := newArchive(t)
	t.Setenv("APT_CONFIG", a.conf)
	a.publish(oldRelease, "6.1.10-1")
	a.update()
	a.withdraw()
	a.publish(newRelease, "6.1.11-1")
	c := openCache(t)
	_, said := a.mustProvision(c, "6.1", newRelease)
	if !says(said, "out of date") {
		t.Errorf("said %q", said)
	}
	// The private lists are used from now on: once is enough.
	if _, said := a.mustProvision(c, "", newRelease); says(said, "out of date") {
		t.Errorf("said %q again", said)
	}
}

func TestProvisionNothing(t *testing.T) {
	a := newArchive(t)
	t.Setenv("APT_CONFIG", a.conf)
	_, _, err := a.provision(t.Context(), openCache(t), "")
	if !errors.Is(err, ErrNoPackage) || !strings.Contains(err.Error(), "/etc/apt") {
		t.Errorf("empty archive: %v", err)
	}
	a.publish(oldRelease, "6.1.10-1")
	a.update()
	c := openCache(t)
	for _, want := range []string{"6.12", "6.1.0-2-cloud-amd64", "6.1.99-1"} {
		_, _, err := a.provision(t.Context(), c, want)
		if !errors.Is(err, ErrNoPackage) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), oldRelease) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line that names it and %s", want, err, oldRelease)
		}
	}
	t.Setenv("PATH", "/nonexistent")
	if _, _, err := a.provision(t.Context(), c, ""); !errors.Is(err, ErrNoPackage) || !strings.Contains(err.Error(), "apt-cache is missing") {
		t.Errorf("no apt: %v", err)
	}
}

func TestProvisionWithoutArchive(t *testing.T) {
	a := newArchive(t)
	t.Setenv("APT_CONFIG", a.conf)
	if err := os.RemoveAll(a.dir); err != nil {
		t.Fatal(err)
	}
	_, _, err := a.provision(t.Context(), openCache(t), "")
	var failed *apt.CommandError
	if !errors.Is(err, ErrNoPackage) || !errors.As(err, &failed) || !strings.Contains(err.Error(), "cannot be fetched: apt-get update: ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v, want one line of apt-get", err)
	}
}

func TestProvisionAnotherSeries(t *testing.T) {
	a := newArchive(t)
	t.Setenv("APT_CONFIG", a.conf)
	const release = "6.12.48+deb13-cloud-amd64"
	a.publish(release, "6.12.48-1")
	a.update()
	c := openCache(t)
	for range 2 { // fetched, and from the cache
		if _, said := a.mustProvision(c, "", release); !says(said, "no kernel 6.1 is packaged here: using "+release) {
			t.Errorf("said %q", said)
		}
	}
	if _, said := a.mustProvision(c, "6.12", release); says(said, "no kernel 6.1") {
		t.Errorf("said %q to one who asked for it", said)
	}
}

func TestProvisionOffline(t *testing.T) {
	a := newArchive(t)
	t.Setenv("APT_CONFIG", a.conf)
	a.publish(oldRelease, "6.1.10-1")
	a.update()
	c := openCache(t)
	a.mustProvision(c, "", oldRelease)
	a.publish(newRelease, "6.1.11-1")
	a.update()
	if err := os.RemoveAll(a.dir); err != nil {
		t.Fatal(err)
	}
	if _, said := a.mustProvision(c, "", oldRelease); !says(said, "using "+oldRelease+" from the cache") {
		t.Errorf("said %q", said)
	}
	if k, _, err := a.provision(t.Context(), c, newRelease); err == nil {
		t.Errorf("got %s for %s", k.Release, newRelease)
	}
	var failed *apt.CommandError
	if _, _, err := a.provision(t.Context(), openCache(t), ""); !errors.As(err, &failed) || failed.Detail() == "" || strings.Contains(err.Error(), "\n") {
		t.Errorf("empty cache: %v, want one line of apt-get with details", err)
	}
}

func TestProvisionDamaged(t *testing.T) {
	a := newArchive(t)
	t.Setenv("APT_CONFIG", a.conf)
	a.publish(oldRelease, "6.1.10-1")
	a.update()
	c := openCache(t)
	k, _ := a.mustProvision(c, "", oldRelease)
	if err := os.Remove(k.Image); err != nil {
		t.Fatal(err)
	}
	again, said := a.mustProvision(c, "", oldRelease)
	if !says(said, "damaged") || again.ID != k.ID {
		t.Errorf("said %q, ID %s, want %s", said, again.ID, k.ID)
	}
	// A package without what a kernel needs is refused, and leaves nothing.
	a.withdraw()
	a.publish(newRelease, "6.1.11-1")
	a.build("linux-headers-"+newRelease, "6.1.12-1", "linux-kbuild-6.1", map[string]string{"usr/src/linux-headers-" + newRelease + "/Makefile": ""})
	a.update()
	if _, _, err := a.provision(t.Context(), c, newRelease); !errors.Is(err, ErrNoHeaders) {
		t.Errorf("headers without content: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(c.Root(), cacheKind, ".*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestProvisionTwoAtOnce(t *testing.T) {
	a := newArchive(t)
	t.Setenv("APT_CONFIG", a.conf)
	a.publish(oldRelease, "6.1.10-1")
	root := t.TempDir()
	var wg sync.WaitGroup
	ids := make([]string, 3)
	for i := range ids {
		wg.Go(func() {
			c, err := cache.OpenAt(root)
			if err != nil {
				t.Error(err)
				return
			}
			k, _, err := a.provision(t.Context(), c, "")
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = k.ID
		})
	}
	wg.Wait()
	if ids[0] == "" || ids[0] != ids[1] || ids[1] != ids[2] {
		t.Errorf("IDs %q", ids)
	}
	if n := a.asked(); n != 4 {
		t.Errorf("%d packages were fetched, want 4", n)
	}
}

func TestProvisionCancelled(t *testing.T) {
	a := newArchive(t)
	t.Setenv("APT_CONFIG", a.conf)
	a.publish(oldRelease, "6.1.10-1")
	a.update()
	// The archive never answers; the context ends as soon as it is asked for a package.
	ctx, cancel := context.WithCancel(t.Context())
	a.handler = stall(cancel)
	c := openCache(t)
	if _, _, err := a.provision(ctx, c, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(c.Root(), cacheKind, "*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
	if left, _ := filepath.Glob(filepath.Join(c.Root(), cacheKind, ".*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestList(t *testing.T) {
	a := newArchive(t)
	t.Setenv("APT_CONFIG", a.conf)
	a.publish(oldRelease, "6.1.10-1")
	a.update()
	c := openCache(t)
	k, _ := a.mustProvision(c, "", oldRelease)
	a.withdraw()
	a.publish(newRelease, "6.1.11-1")
	a.update()
	list, err := List(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	want := []Listed{
		{Release: newRelease, Flavor: Stock, Offered: true, Default: true},
		{Release: oldRelease, Flavor: Stock, Path: filepath.Dir(filepath.Dir(k.Image))},
	}
	if !slices.Equal(list, want) {
		t.Errorf("List = %+v\nwant %+v", list, want)
	}
}
