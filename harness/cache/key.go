package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// keyLen is the length of a key in hex digits: 80 bits, far from any collision by chance.
const keyLen = 20

// Key returns a digest of its parts. Parts are delimited: Key("ab", "c") differs from Key("a", "bc").
func Key(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s,", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))[:keyLen]
}

// FileKey returns a digest of the content of the files named, not of their names.
func FileKey(paths ...string) (string, error) {
	h := sha256.New()
	for _, p := range paths {
		if err := hashFile(h, p); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:keyLen], nil
}

// TreeKey returns a digest of a directory: of the relative names, modes and contents of all regular files and the
// targets of all symbolic links that keep accepts. keep gets slash-separated paths relative to root, and
// is asked about directories too; a directory that it turns down is not entered. A nil keep accepts all.
func TreeKey(root string, keep func(rel string, d fs.DirEntry) bool) (string, error) {
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		return "", fmt.Errorf("digest of directory: %w", err)
	}
	h := sha256.New()
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if rel != "." && keep != nil && !keep(rel, d) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		switch {
		case d.Type().IsRegular():
			info, err := d.Info()
			if err != nil {
				return err
			}
			fmt.Fprintf(h, "f%d:%s,%o,", len(rel), rel, info.Mode().Perm()&0o111)
			return hashFile(h, path)
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(h, "l%d:%s,%d:%s,", len(rel), rel, len(target), target)
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("digest of %s: %w", root, err)
	}
	return hex.EncodeToString(h.Sum(nil))[:keyLen], nil
}

func hashFile(h io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	content := sha256.New()
	if _, err := io.Copy(content, f); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	_, err = h.Write(content.Sum(nil))
	return err
}
