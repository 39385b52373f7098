package introspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"ktcp/harness/cache"
	"ktcp/harness/kernel"
)

const (
	// cacheKind is the place of what was learned in the cache.
	cacheKind = "introspect"
	// format changes when what an older build of this package has learned must not be used.
	format = "4"
	// keepUnused is how long it is kept of a kernel that nobody uses.
	keepUnused  = 90 * 24 * time.Hour
	symbolsFile = "kallsyms"
	layoutFile  = "layout.json"
)

// Source is what a kernel is learned from.
type Source struct {
	Kernel *kernel.Kernel
	Cache  *cache.Dir
	// Symbols returns what a guest with this kernel has in /proc/kallsyms, for root. It is called only when they are not known.
	Symbols func(ctx context.Context) ([]byte, error)
	// Memory is that guest's, by physical address, and Size its size in bytes.
	Memory io.ReaderAt
	Size   uint64
	// Logf says what is being done where it takes time. It may be nil.
	Logf func(format string, args ...any)
}

// Learn returns what there is to know of a kernel: out of the cache, where it was learned before. The error wraps [ErrNoLayout]
// where the kernel does not tell.
func Learn(ctx context.Context, s Source) (*Kernel, error) {
	if !Learnable(s.Kernel) {
		return nil, fmt.Errorf("%w: %s %s", ErrNoLayout, s.Kernel.Release, s.Kernel.Flavor)
	}
	dir, err := s.Cache.Entry(ctx, cacheKind, cache.Key(format, s.Kernel.ID), s.learn)
	if err != nil {
		return nil, fmt.Errorf("learn kernel %s: %w", s.Kernel.Release, err)
	}
	if err := s.Cache.Prune(ctx, cacheKind, keepUnused); err != nil {
		return nil, err
	}
	k := &Kernel{release: s.Kernel.Release, Layout: newLayout()}
	text, err := os.ReadFile(filepath.Join(dir, symbolsFile))
	if err != nil {
		return nil, err
	}
	if k.Symbols, err = ParseSymbols(text); err != nil {
		return nil, err
	}
	if text, err = os.ReadFile(filepath.Join(dir, layoutFile)); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, k.Layout); err != nil {
		return nil, fmt.Errorf("read layout of kernel %s: %w", s.Kernel.Release, err)
	}
	return k, nil
}

// Learnable reports whether a kernel tells how its structures are laid out.
func Learnable(k *kernel.Kernel) bool { return hasBTF(k) || hasSources(k) }

// learn fills dir.
func (s Source) learn(ctx context.Context, dir string) error {
	if s.Logf != nil {
		s.Logf("kernel %s: learning its symbols and layouts, once", s.Kernel.Release)
	}
	text, err := s.Symbols(ctx)
	if err != nil {
		return fmt.Errorf("read kallsyms: %w", err)
	}
	symbols, err := ParseSymbols(text)
	if err != nil {
		return err
	}
	var layout *Layout
	if hasBTF(s.Kernel) {
		layout, err = s.btf(symbols)
	} else {
		layout, err = s.compile(ctx)
	}
	if err != nil {
		return err
	}
	encoded, err := json.MarshalIndent(layout, "", "\t")
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, symbolsFile), text, 0o644),
		os.WriteFile(filepath.Join(dir, layoutFile), append(encoded, '\n'), 0o644),
	)
}

// btf reads the layouts from the BTF in the guest's memory.
func (s Source) btf(symbols *Symbols) (*Layout, error) {
	base, err := locate(symbols, s.Kernel.Release, s.Memory, s.Size)
	if err != nil {
		return nil, err
	}
	space, err := openAt(symbols, s.Memory, base)
	if err != nil {
		return nil, err
	}
	start, err1 := symbols.Address("__start_BTF")
	end, err2 := symbols.Address("__stop_BTF")
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	raw := make([]byte, end-start)
	if err := space.Read(raw, start); err != nil {
		return nil, fmt.Errorf("read BTF: %w", err)
	}
	return layoutOfBTF(raw)
}

// hasBTF reports whether a kernel carries its BTF with it.
func hasBTF(k *kernel.Kernel) bool { return k.Config["CONFIG_DEBUG_INFO_BTF"] == "y" }
