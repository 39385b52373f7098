package image

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"ktcp/harness/cache"
	"ktcp/harness/kernel"
)

// cacheKind is the place of images in the cache.
const cacheKind = "images"

// file is the name of an image in its cache entry.
const file = "initramfs.cpio"

// layout changes when an image is laid out differently, or has other modules, for the same kernel and agent.
const layout = "1"

// Spec says which image to make.
type Spec struct {
	Kernel *kernel.Kernel
	Cache  *cache.Dir
	// Logf says what is being done where it takes time. It may be nil.
	Logf func(format string, args ...any)
}

// Validate reports what is missing in s.
func (s Spec) Validate() error {
	switch {
	case s.Kernel == nil:
		return errors.New("image without a kernel")
	case s.Kernel.Release == "":
		return errors.New("image for a kernel without a release")
	case s.Cache == nil:
		return errors.New("image without a cache")
	}
	return nil
}

// Image is an initramfs.
type Image struct {
	Path string // of the uncompressed newc archive
	ID   string // a digest of everything that it is made from
}

// Build returns the image for s, made now or earlier. Errors wrap [ErrNoVirtio], [ErrNoGo], [ErrNoSource] or
// [cache.ErrUnusable], or are a [*BuildError] with what the compiler said.
func Build(ctx context.Context, s Spec) (*Image, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	root, err := sourceRoot()
	if err != nil {
		return nil, err
	}
	agent, err := agentKey(root)
	if err != nil {
		return nil, err
	}
	id := cache.Key(layout, agent, s.Kernel.ID, s.Kernel.Release)
	dir, err := s.Cache.Entry(ctx, cacheKind, id, func(ctx context.Context, tmp string) error {
		if s.Logf != nil {
			s.Logf("building the guest's initramfs for %s", s.Kernel.Release)
		}
		return build(ctx, root, s.Kernel, filepath.Join(tmp, file))
	})
	if err != nil {
		return nil, err
	}
	return &Image{Path: filepath.Join(dir, file), ID: id}, nil
}

// build makes the image at path.
func build(ctx context.Context, root string, k *kernel.Kernel, path string) (err error) {
	modules, err := collect(k.Modules, k.Config, wantedModules)
	if err != nil {
		return err
	}
	bin := path + ".init"
	if err := buildAgent(ctx, root, bin); err != nil {
		return err
	}
	agent, err := os.ReadFile(bin)
	if err != nil {
		return fmt.Errorf("read the guest agent: %w", err)
	}
	if err := os.Remove(bin); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := writeArchive(w, k.Release, agent, modules); err != nil {
		return err
	}
	return w.Flush()
}
