package kernel

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"ktcp/harness/apt"
	"ktcp/harness/cache"
)

// Kernel is a bootable image with the tree that modules are built against. All paths are absolute.
type Kernel struct {
	Release string // uname -r
	Flavor  string // [Stock], [KASAN], [KCSAN]
	Image   string // the bzImage
	Build   string // the tree for make -C
	Modules string // .../lib/modules/RELEASE, "" when there are none: everything needed is built in
	// CC is the compiler that the kernel was built by, and that its modules must be built by: "gcc-12".
	CC string
	// Config is the configuration, from .config: "CONFIG_VETH" → "m". Options that are not set are absent.
	Config map[string]string
	// ID is a digest of image, configuration, symbol versions, release, flavor and packages.
	ID string
	// Packages are the names and versions that the kernel was unpacked from; none for a local tree.
	Packages []Package
}

// Package is a package of the distribution.
type Package = apt.Package

// Spec says which kernel is wanted.
type Spec struct {
	// Want is what the user asked for with KERNEL=:
	//
	//	""                      the newest packaged 6.1, otherwise what the distribution has from 6.1 on
	//	6.12                    the newest packaged one of a series
	//	6.1.0-56-cloud-amd64    a release, with or without its flavor, or linux-image-RELEASE
	//	6.1.192-2               the version of a package
	//	host                    the running kernel
	//	DIR                     a kernel tree that was built
	Want string
	// Flavor is [Stock], which "" stands for, or one of those that are built from the packaged source of the kernel that Want
	// names: a series, or the version of a package.
	Flavor string
	Cache  *cache.Dir
	// MayBuild is asked before a kernel is built, which takes many minutes; its error is returned instead. It may be nil.
	MayBuild func() error
	// Logf says what is being done where it takes time. It may be nil.
	Logf func(format string, args ...any)
}

// Validate reports what is wrong with s, before anything is looked for.
func (s Spec) Validate() error {
	if s.Cache == nil {
		return errors.New("kernel without a cache")
	}
	if s.Flavor != "" && !slices.Contains(flavors, s.Flavor) {
		return fmt.Errorf("%w: %q (known: %s)", ErrUnknownFlavor, s.Flavor, strings.Join(flavors, ", "))
	}
	if runtime.GOARCH != "amd64" {
		return fmt.Errorf("%w: this machine is %s", ErrArch, runtime.GOARCH)
	}
	return nil
}

// flavor is the flavor that is wanted.
func (s Spec) flavor() string {
	if s.Flavor == "" {
		return Stock
	}
	return s.Flavor
}

func (s Spec) logf(format string, args ...any) {
	if s.Logf != nil {
		s.Logf(format, args...)
	}
}

// Provision returns the kernel that s asks for, fetched now or earlier. Errors wrap [ErrNoPackage], [ErrNotKernel],
// [ErrNoHeaders], [ErrUnreadable], [ErrUnfit], [ErrArch], [ErrUnknownFlavor], [ErrNoTools], [ErrConfig] or [cache.ErrUnusable],
// or are a [*apt.CommandError] with what apt, dpkg or the compiler said.
func Provision(ctx context.Context, s Spec) (*Kernel, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	r, err := parseRequest(s.Want)
	if err != nil {
		return nil, err
	}
	var k *Kernel
	switch {
	case s.flavor() != Stock && (r.host || r.dir != ""):
		return nil, fmt.Errorf("%w: the flavor %s is built from a packaged source: KERNEL must be a series such as %s, not %q",
			ErrUnknownFlavor, s.Flavor, defaultSeries, s.Want)
	case r.host:
		k, err = runningKernel()
	case r.dir != "":
		k, err = builtTree(r.dir)
	default:
		k, err = newProvisioner(s).packaged(ctx, r)
	}
	if err != nil {
		return nil, err
	}
	if err := k.CheckVirtio(); err != nil {
		return nil, err
	}
	return k, nil
}

// seal fills in what follows from the other fields.
func (k *Kernel) seal(configFile, symvers string) error {
	config, err := readConfig(configFile)
	if err != nil {
		return err
	}
	k.Config = config
	if k.Config["CONFIG_X86_64"] != "y" {
		return fmt.Errorf("%w: %s is built for another architecture", ErrArch, k.Release)
	}
	k.CC = compiler(config)
	content, err := cache.FileKey(k.Image, configFile, symvers)
	if err != nil {
		return fmt.Errorf("digest of kernel %s: %w", k.Release, err)
	}
	if k.Flavor == "" {
		k.Flavor = Stock
	}
	parts := []string{"kernel", k.Release, k.Flavor, content}
	for _, p := range k.Packages { // the tools that build modules are in none of the files above
		parts = append(parts, p.Name, p.Version)
	}
	k.ID = cache.Key(parts...)
	return nil
}
