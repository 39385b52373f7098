package kernel

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPruneKeepsWhatModulesAndLayoutsNeed(t *testing.T) {
	tree := t.TempDir()
	for _, name := range []string{
		"Makefile", "vmlinux", "include/linux/slab.h", "scripts/mod/modpost", "net/ipv4/tcp.c", "lib/stackdepot.c", "lib/sort.c", "lib/zstd/a.h",
		"mm/slub.c", "mm/slab.h", "mm/slub.o", "mm/swap.c", "mm/kasan/kasan.h", "arch/x86/include/asm/page.h", "arch/x86/mm/init.c", "arch/arm/a.h",
		"tools/objtool/objtool", "tools/perf/perf",
	} {
		path := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := prune(tree); err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := fs.WalkDir(os.DirFS(tree), ".", func(path string, d fs.DirEntry, err error) error {
		if !d.IsDir() {
			got = append(got, path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"Makefile", "arch/x86/include/asm/page.h", "include/linux/slab.h", "lib/stackdepot.c", "mm/slab.h", "mm/slub.c",
		"scripts/mod/modpost", "tools/objtool/objtool",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}
