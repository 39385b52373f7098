package image

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// wanted is a kernel module that a guest needs.
type wanted struct {
	name      string
	config    string // the option that builds it in
	essential bool   // without it the agent cannot be heard
}

var wantedModules = []wanted{
	{name: "virtio_pci", config: "CONFIG_VIRTIO_PCI", essential: true},
	{name: "virtio_console", config: "CONFIG_VIRTIO_CONSOLE", essential: true},
	{name: "veth", config: "CONFIG_VETH"},
}

// kmod is one kernel module of the image, uncompressed.
type kmod struct {
	name    string
	content []byte
	depends []string
}

// kmods is what of a kernel's modules goes into the image, both sorted by name.
type kmods struct {
	files   []kmod
	builtin []string
}

// collect finds the modules wanted and all that they depend on. dir is the kernel's module directory, "" where the
// kernel has none; config is its configuration.
func collect(dir string, config map[string]string, want []wanted) (kmods, error) {
	index, err := indexModules(dir)
	if err != nil {
		return kmods{}, err
	}
	builtin, err := readBuiltin(dir)
	if err != nil {
		return kmods{}, err
	}
	var found kmods
	var missing []string
	seen := map[string]bool{}
	for _, w := range want {
		switch {
		case index[w.name] != "":
			if err := found.add(w.name, index, seen); err != nil {
				return kmods{}, err
			}
		case builtin[w.name] || config[w.config] == "y":
			found.builtin = append(found.builtin, w.name)
		case w.essential:
			missing = append(missing, fmt.Sprintf("%s (%s)", w.name, w.config))
		}
	}
	if len(missing) > 0 {
		return kmods{}, fmt.Errorf("%w: neither built in nor there as a module: %s", ErrNoVirtio, strings.Join(missing, ", "))
	}
	slices.SortFunc(found.files, func(a, b kmod) int { return strings.Compare(a.name, b.name) })
	slices.Sort(found.builtin)
	return found, nil
}

// add reads the module called name and all that it depends on.
func (k *kmods) add(name string, index map[string]string, seen map[string]bool) error {
	if seen[name] {
		return nil
	}
	seen[name] = true
	path := index[name]
	if path == "" {
		return nil // built in: a module's own information names only dependencies that are modules
	}
	content, err := readModule(path)
	if err != nil {
		return err
	}
	depends, err := dependencies(content)
	if err != nil {
		return fmt.Errorf("read dependencies of %s: %w", path, err)
	}
	for _, d := range depends {
		if index[d] == "" {
			return fmt.Errorf("kernel module %s needs %s, which is not in %s", name, d, filepath.Dir(path))
		}
		if err := k.add(d, index, seen); err != nil {
			return err
		}
	}
	k.files = append(k.files, kmod{name: name, content: content, depends: depends})
	return nil
}

// canonical is a module's name as the kernel spells it; files may have hyphens.
func canonical(name string) string { return strings.ReplaceAll(name, "-", "_") }

// moduleName returns the name of the module in a file such as virtio-rng.ko.xz, or "" where it is none.
func moduleName(file string) string {
	name, suffix, ok := strings.Cut(filepath.Base(file), ".ko")
	if !ok || !slices.Contains([]string{"", ".xz", ".zst", ".gz"}, suffix) {
		return ""
	}
	return canonical(name)
}

// indexModules maps the names of all modules below dir to their files. The directory is walked, since
// modules.dep is only there once depmod has run, as it has not for a package that was only unpacked.
func indexModules(dir string) (map[string]string, error) {
	index := map[string]string{}
	if dir == "" {
		return index, nil
	}
	root := filepath.Join(dir, "kernel")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == root {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		if name := moduleName(path); name != "" {
			index[name] = path
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list kernel modules: %w", err)
	}
	return index, nil
}

// readBuiltin returns the names in dir's modules.builtin.
func readBuiltin(dir string) (map[string]bool, error) {
	names := map[string]bool{}
	if dir == "" {
		return names, nil
	}
	list, err := os.ReadFile(filepath.Join(dir, "modules.builtin"))
	if errors.Is(err, fs.ErrNotExist) {
		return names, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list built-in kernel modules: %w", err)
	}
	for line := range strings.Lines(string(list)) {
		names[moduleName(strings.TrimSpace(line))] = true
	}
	return names, nil
}

// readModule returns a module's content, uncompressed, so that the guest need not know how.
func readModule(path string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read kernel module: %w", err)
	}
	var r io.Reader = bytes.NewReader(raw)
	switch filepath.Ext(path) {
	case ".xz":
		r, err = xz.NewReader(r)
	case ".gz":
		r, err = gzip.NewReader(r)
	case ".zst":
		var d *zstd.Decoder
		if d, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1)); err == nil {
			defer d.Close()
			r = d
		}
	default:
		return raw, nil
	}
	if err != nil {
		return nil, fmt.Errorf("uncompress %s: %w", path, err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("uncompress %s: %w", path, err)
	}
	return content, nil
}

// dependencies returns the names in the "depends" line of a module's .modinfo section.
func dependencies(ko []byte) ([]string, error) {
	f, err := elf.NewFile(bytes.NewReader(ko))
	if err != nil {
		return nil, err
	}
	section := f.Section(".modinfo")
	if section == nil {
		return nil, errors.New("no .modinfo section")
	}
	info, err := section.Data()
	if err != nil {
		return nil, err
	}
	for _, line := range bytes.Split(info, []byte{0}) {
		if list, ok := bytes.CutPrefix(line, []byte("depends=")); ok && len(list) > 0 {
			return strings.Split(canonical(string(list)), ","), nil
		}
	}
	return nil, nil
}
