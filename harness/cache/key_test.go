package cache

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// fixed is some time long ago.
var fixed = time.Unix(1e9, 0)

func TestKey(t *testing.T) {
	seen := map[string][]string{}
	for _, parts := range [][]string{nil, {""}, {"", ""}, {"ab", "c"}, {"a", "bc"}, {"abc"}, {"a", "b", "c"}, {"1:a,1:b"}, {"a", "b"}} {
		key := Key(parts...)
		if len(key) != keyLen || key != Key(parts...) {
			t.Errorf("Key(%q) = %q", parts, key)
		}
		if other, ok := seen[key]; ok {
			t.Errorf("Key(%q) = Key(%q)", parts, other)
		}
		seen[key] = parts
	}
}

func write(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		tb.Fatal(err)
	}
}

func TestFileKey(t *testing.T) {
	dir := t.TempDir()
	a, b, c := dir+"/a", dir+"/b", dir+"/c"
	write(t, a, "one")
	write(t, b, "two")
	write(t, c, "one")
	key := func(paths ...string) string {
		k, err := FileKey(paths...)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	if key(a, b) != key(c, b) {
		t.Error("the key depends on names")
	}
	if key(a, b) == key(b, a) || key(a) == key(b) || key(a) == key(a, a) {
		t.Error("different content has the same key")
	}
	if _, err := FileKey(a, dir+"/missing"); err == nil {
		t.Error("a missing file has a key")
	}
}

func TestTreeKey(t *testing.T) {
	tree := func(change func(dir string)) string {
		t.Helper()
		dir := t.TempDir()
		write(t, dir+"/main.c", "int main;")
		write(t, dir+"/sub/a.h", "")
		write(t, dir+"/sub/b.h", "b")
		if err := os.Symlink("main.c", dir+"/link"); err != nil {
			t.Fatal(err)
		}
		if change != nil {
			change(dir)
		}
		key, err := TreeKey(dir, func(rel string, d fs.DirEntry) bool { return rel != "ignored" && d.Name() != ".git" })
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	base := tree(nil)
	for name, change := range map[string]func(dir string){
		"nothing":              func(string) {},
		"a file left out":      func(dir string) { write(t, dir+"/ignored", "x") },
		"a directory left out": func(dir string) { write(t, dir+"/sub/.git/config", "x") },
		"times":                func(dir string) { must(os.Chtimes(dir+"/main.c", fixed, fixed)) },
		"read permission":      func(dir string) { must(os.Chmod(dir+"/main.c", 0o640)) },
	} {
		if tree(change) != base {
			t.Errorf("%s changes the key", name)
		}
	}
	for name, change := range map[string]func(dir string){
		"content":      func(dir string) { write(t, dir+"/main.c", "int main; ") },
		"a name":       func(dir string) { must(os.Rename(dir+"/main.c", dir+"/mein.c")) },
		"a place":      func(dir string) { must(os.Rename(dir+"/sub/a.h", dir+"/a.h")) },
		"mode":         func(dir string) { must(os.Chmod(dir+"/main.c", 0o755)) },
		"a new file":   func(dir string) { write(t, dir+"/sub/c.h", "") },
		"one less":     func(dir string) { must(os.Remove(dir + "/sub/a.h")) },
		"a link":       func(dir string) { must(os.Remove(dir + "/link")); must(os.Symlink("sub/a.h", dir+"/link")) },
		"link to file": func(dir string) { must(os.Remove(dir + "/link")); write(t, dir+"/link", "main.c") },
	} {
		if tree(change) == base {
			t.Errorf("%s does not change the key", name)
		}
	}
}

func TestTreeKeyThroughLink(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/real/main.c", "one")
	if err := os.Symlink("real", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	key := func(name string) string {
		k, err := TreeKey(filepath.Join(dir, name), nil)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	if key("link") != key("real") {
		t.Error("the key of a link to a directory is not the directory's")
	}
	before := key("link")
	write(t, dir+"/real/main.c", "two")
	if key("link") == before {
		t.Error("an edit behind the link does not change the key")
	}
}
