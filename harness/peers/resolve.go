package peers

import (
	"debug/elf"
	"fmt"
	"io"
	"path"
	"strings"
)

// resolve returns the program at a path of the host, its loader and all libraries that they need, directly or not, from a tree of
// unpacked packages. Source is the path in the tree. The program comes first.
func resolve(tree, program string) ([]File, error) {
	files := []File{{Source: program}}
	known := map[string]bool{}
	for i := 0; i < len(files); i++ { // it grows
		needs, loader, err := needed(files[i].Source)
		if err != nil {
			return nil, err
		}
		if loader != "" {
			needs = append(needs, path.Base(loader))
		}
		for _, name := range needs {
			if known[name] {
				continue
			}
			known[name] = true
			source, err := find(tree, libraries, name)
			if err != nil {
				return nil, fmt.Errorf("%s, needed by %s: %w", name, path.Base(files[i].Source), ErrIncomplete)
			}
			to := path.Join(guestLibraries, name)
			if loader != "" && name == path.Base(loader) {
				to = loader // the kernel starts it by this name
			}
			files = append(files, File{Path: to, Source: source})
		}
	}
	return files, nil
}

// needed reads from an ELF file which libraries it needs, and which loader if it is a program.
func needed(file string) (libraries []string, loader string, err error) {
	f, err := elf.Open(file)
	if err != nil {
		return nil, "", fmt.Errorf("read %s: %w", file, err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		text, err := io.ReadAll(p.Open())
		if err != nil {
			return nil, "", fmt.Errorf("read loader of %s: %w", file, err)
		}
		loader = strings.TrimRight(string(text), "\x00")
	}
	libraries, err = f.ImportedLibraries()
	if err != nil {
		return nil, "", fmt.Errorf("read libraries of %s: %w", file, err)
	}
	return libraries, loader, nil
}
