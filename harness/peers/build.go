package peers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"ktcp/harness/apt"
)

// build makes a pack in dir: the packages are unpacked, what is needed is moved out, and the rest is removed.
func (f *fetcher) build(ctx context.Context, dir string, packages []apt.Package) error {
	tree := filepath.Join(dir, "tree")
	if err := os.Mkdir(tree, 0o755); err != nil {
		return err
	}
	if err := f.apt.Unpack(ctx, tree, packages...); err != nil {
		return err
	}
	program, err := find(tree, binaries, f.file)
	if err != nil {
		return fmt.Errorf("%s: %w: %v", f.file, ErrIncomplete, f.pkg)
	}
	files, err := resolve(tree, program)
	if err != nil {
		return err
	}
	p := Pack{Name: f.name, Path: "/usr/bin/" + f.name, Packages: packages}
	files[0].Path = p.Path
	for i, file := range files {
		info, err := os.Stat(file.Source)
		if err != nil {
			return err
		}
		name := strconv.Itoa(i) + "-" + filepath.Base(file.Path)
		if err := os.Rename(file.Source, filepath.Join(dir, name)); err != nil {
			return err
		}
		p.Files = append(p.Files, File{Path: file.Path, Source: name, Size: info.Size()})
	}
	if err := removeAll(tree); err != nil {
		return err
	}
	text, err := json.MarshalIndent(p, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, metaFile), append(text, '\n'), 0o644)
}

// find returns the path of a file that lies in one of the directories of a tree, with all links followed inside it.
func find(tree string, dirs []string, name string) (string, error) {
	for _, d := range dirs {
		path, err := follow(tree, filepath.Join(d, name))
		if err == nil {
			return path, nil
		}
	}
	return "", fs.ErrNotExist
}

// follow resolves the link at a path of a tree, whose absolute targets mean the tree's.
func follow(tree, rel string) (string, error) {
	const mostLinks = 10
	for range mostLinks {
		path := filepath.Join(tree, rel)
		target, err := os.Readlink(path)
		if errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if err != nil { // not a link
			info, err := os.Stat(path)
			if err == nil && !info.Mode().IsRegular() {
				err = fs.ErrNotExist
			}
			return path, err
		}
		if filepath.IsAbs(target) {
			rel = target
		} else {
			rel = filepath.Join(filepath.Dir(rel), target)
		}
	}
	return "", fs.ErrNotExist
}

// removeAll is os.RemoveAll for trees whose directories may be read-only, as unpacked packages have them.
func removeAll(tree string) error {
	_ = filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	return os.RemoveAll(tree)
}
