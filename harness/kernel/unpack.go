package kernel

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// metaFile describes an entry: it is written last and read first.
const metaFile = "meta.json"

// meta is what metaFile holds. Paths are relative to the entry.
type meta struct {
	Release  string    `json:"release"`
	Flavor   string    `json:"flavor"`
	Image    string    `json:"image"`
	Build    string    `json:"build"`
	Modules  string    `json:"modules"`
	CC       string    `json:"cc"`
	ID       string    `json:"id"`
	Packages []Package `json:"packages"`
	Recipe   string    `json:"recipe,omitempty"` // of what was built from source
}

// unpack fetches the packages of a plan and unpacks them into dir.
func (p *provisioner) unpack(ctx context.Context, chosen *plan, dir string) error {
	p.logf("fetching and unpacking %s and its headers (%d MB)", p.imageName(chosen), (chosen.size+500_000)/1_000_000)
	if err := p.apt.Unpack(ctx, dir, chosen.Packages...); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(dir, "usr/share")); err != nil {
		return err
	}
	return seal(dir, chosen)
}

// imageName is the name of the plan's image package.
func (p *provisioner) imageName(chosen *plan) string {
	for _, pkg := range chosen.Packages {
		if strings.HasPrefix(pkg.Name, "linux-image-") {
			return pkg.Name
		}
	}
	return chosen.Release
}

// seal makes a kernel of the packages that were unpacked into dir.
func seal(dir string, chosen *plan) error {
	release := chosen.Release
	image, err := firstOf(dir, "boot/vmlinuz-"+release, "lib/modules/"+release+"/vmlinuz", "usr/lib/modules/"+release+"/vmlinuz")
	if err != nil {
		return fmt.Errorf("%w: the packages of %s hold no image: %w", ErrNotKernel, release, err)
	}
	build, err := firstOf(dir, "usr/src/linux-headers-"+release)
	if err != nil {
		return fmt.Errorf("%w: the packages of %s hold none: %w", ErrNoHeaders, release, err)
	}
	modules, err := firstOf(dir, "lib/modules/"+release, "usr/lib/modules/"+release)
	if err != nil {
		modules = ""
	}
	if err := relocate(dir); err != nil {
		return err
	}
	k := &Kernel{Release: release, Image: filepath.Join(dir, image), Build: filepath.Join(dir, build), Packages: chosen.Packages}
	if err := checkBuildTree(k.Build); err != nil {
		return err
	}
	if err := k.seal(filepath.Join(k.Build, ".config"), filepath.Join(k.Build, "Module.symvers")); err != nil {
		return err
	}
	text, err := json.MarshalIndent(meta{
		Release: release, Flavor: k.Flavor, Image: image, Build: build, Modules: modules,
		CC: k.CC, ID: k.ID, Packages: chosen.Packages,
	}, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, metaFile), append(text, '\n'), 0o644)
}

// firstOf returns the first of the paths relative to dir that exists.
func firstOf(dir string, paths ...string) (string, error) {
	var err error
	for _, p := range paths {
		if _, err = os.Stat(filepath.Join(dir, p)); err == nil {
			return p, nil
		}
	}
	return "", err
}

// loadEntry returns the kernel in an entry of the cache, and an error when files of it are missing.
func loadEntry(dir string) (*Kernel, error) {
	m, err := readMeta(dir)
	if err != nil {
		return nil, err
	}
	k := &Kernel{
		Release: m.Release, Flavor: m.Flavor, CC: m.CC, ID: m.ID, Packages: m.Packages,
		Image: filepath.Join(dir, m.Image), Build: filepath.Join(dir, m.Build),
	}
	if m.Modules != "" {
		k.Modules = filepath.Join(dir, m.Modules)
		if _, err := os.Stat(k.Modules); err != nil {
			return nil, fmt.Errorf("read kernel in the cache: %w", err)
		}
	}
	if _, err := os.Stat(k.Image); err != nil {
		return nil, fmt.Errorf("read kernel in the cache: %w", err)
	}
	if err := checkBuildTree(k.Build); err != nil {
		return nil, err
	}
	k.Config, err = readConfig(filepath.Join(k.Build, ".config"))
	return k, err
}

// readMeta reads what an entry of the cache says about itself.
func readMeta(dir string) (meta, error) {
	var m meta
	text, err := os.ReadFile(filepath.Join(dir, metaFile))
	if err != nil {
		return m, fmt.Errorf("read kernel in the cache: %w", err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("read %s: %w", filepath.Join(dir, metaFile), err)
	}
	return m, nil
}
