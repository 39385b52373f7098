package image

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/u-root/u-root/pkg/cpio"
	"github.com/ulikunitz/xz"

	"ktcp/harness/cache"
	"ktcp/harness/kernel"
)

// ko makes a kernel module that holds nothing but its information: the ELF header, .modinfo and the table of names.
func ko(info string) []byte {
	const headerSize, sectionSize = 64, 64
	names := "\x00.modinfo\x00.shstrtab\x00"
	var b bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
				panic(err)
			}
		}
	}
	tables := uint64(headerSize + len(info) + len(names))
	b.WriteString("\x7fELF\x02\x01\x01")
	b.Write(make([]byte, 9))
	put(uint16(1), uint16(62), uint32(1), uint64(0), uint64(0), tables, uint32(0), uint16(headerSize), uint16(0), uint16(0),
		uint16(sectionSize), uint16(3), uint16(2))
	b.WriteString(info + names)
	section := func(name, kind uint32, offset, size uint64) {
		put(name, kind, uint64(0), uint64(0), offset, size, uint32(0), uint32(0), uint64(1), uint64(0))
	}
	section(0, 0, 0, 0)
	section(1, 1, headerSize, uint64(len(info)))
	section(10, 3, uint64(headerSize+len(info)), uint64(len(names)))
	return b.Bytes()
}

// compressed returns data as the suffix of a module's name says.
func compressed(t testing.TB, suffix string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch suffix {
	case ".xz":
		w, err = xz.NewWriter(&b)
	case ".gz":
		w = gzip.NewWriter(&b)
	case ".zst":
		w, err = zstd.NewWriter(&b)
	default:
		return data
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// kernelDir makes a kernel's module directory. files maps paths below it to the modules that they depend on.
func kernelDir(t testing.TB, files map[string]string, builtin ...string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, data []byte) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, depends := range files {
		_, suffix, _ := strings.Cut(filepath.Base(name), ".ko")
		write(name, compressed(t, suffix, ko("license=GPL\x00depends="+depends+"\x00retpoline=Y\x00")))
	}
	write("modules.builtin", []byte(strings.Join(builtin, "\n")+"\n"))
	return dir
}

// modular is a kernel with everything as a module, compressed in every way there is.
var modular = map[string]string{
	"kernel/drivers/virtio/virtio.ko":             "virtio_ring",
	"kernel/drivers/virtio/virtio_ring.ko.xz":     "",
	"kernel/drivers/virtio/virtio_pci.ko.zst":     "virtio,virtio-ring",
	"kernel/drivers/char/virtio_console.ko.gz":    "virtio_ring,virtio",
	"kernel/drivers/net/veth.ko":                  "",
	"kernel/drivers/char/hw_random/virtio-rng.ko": "virtio",
	"kernel/drivers/net/something_else.ko":        "not_there",
	"kernel/drivers/net/README.ko.txt":            "",
}

func TestCollect(t *testing.T) {
	for _, tt := range []struct {
		name    string
		dir     string
		config  map[string]string
		files   map[string][]string // name → dependencies
		builtin []string
	}{
		{
			name: "modules", dir: kernelDir(t, modular),
			files: map[string][]string{
				"virtio": {"virtio_ring"}, "virtio_ring": nil, "virtio_pci": {"virtio", "virtio_ring"},
				"virtio_console": {"virtio_ring", "virtio"}, "veth": nil,
			},
		},
		{
			name: "built in, told by modules.builtin",
			dir: kernelDir(t, map[string]string{"kernel/drivers/net/veth.ko.xz": ""},
				"kernel/drivers/virtio/virtio_pci.ko", "kernel/drivers/char/virtio-console.ko"),
			files:   map[string][]string{"veth": nil},
			builtin: []string{"virtio_console", "virtio_pci"},
		},
		{
			name:    "no modules at all, told by the configuration",
			config:  map[string]string{"CONFIG_VIRTIO_PCI": "y", "CONFIG_VIRTIO_CONSOLE": "y", "CONFIG_VETH": "y"},
			files:   map[string][]string{},
			builtin: []string{"veth", "virtio_console", "virtio_pci"},
		},
		{
			name:    "without veth",
			config:  map[string]string{"CONFIG_VIRTIO_PCI": "y", "CONFIG_VIRTIO_CONSOLE": "y"},
			files:   map[string][]string{},
			builtin: []string{"virtio_console", "virtio_pci"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := collect(tt.dir, tt.config, wantedModules)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string][]string{}
			for _, f := range got.files {
				files[f.name] = f.depends
				if !bytes.HasPrefix(f.content, []byte("\x7fELF")) {
					t.Errorf("%s is not uncompressed", f.name)
				}
			}
			if diff := cmp.Diff(tt.files, files); diff != "" {
				t.Errorf("modules (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.builtin, got.builtin); diff != "" {
				t.Errorf("built in (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCollectErrors(t *testing.T) {
	without := func(names ...string) map[string]string {
		files := map[string]string{}
		for path, depends := range modular {
			files[path] = depends
			for _, n := range names {
				if strings.HasPrefix(filepath.Base(path), n+".ko") {
					delete(files, path)
				}
			}
		}
		return files
	}
	for _, tt := range []struct {
		name string
		dir  string
		want string
	}{
		{
			"no virtio at all", "",
			"kernel without virtio: neither built in nor there as a module: virtio_pci (CONFIG_VIRTIO_PCI), virtio_console (CONFIG_VIRTIO_CONSOLE)",
		},
		{
			"no console", kernelDir(t, without("virtio_console")),
			"kernel without virtio: neither built in nor there as a module: virtio_console (CONFIG_VIRTIO_CONSOLE)",
		},
		{"a dependency is missing", kernelDir(t, without("virtio_ring")), "virtio_ring, which is not in"},
	} {
		_, err := collect(tt.dir, nil, wantedModules)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
	if _, err := collect("", nil, wantedModules); !errors.Is(err, ErrNoVirtio) {
		t.Errorf("error = %v, want %v", err, ErrNoVirtio)
	}
	broken := kernelDir(t, modular)
	if err := os.WriteFile(filepath.Join(broken, "kernel/drivers/virtio/virtio_ring.ko.xz"), []byte("not xz"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := collect(broken, nil, wantedModules); err == nil {
		t.Error("no error for a module that cannot be uncompressed")
	}
}

// records lists an archive: name → mode and size of what it holds.
func records(t testing.TB, archive []byte) map[string]cpio.Record {
	t.Helper()
	all, err := cpio.ReadAllRecords(cpio.Newc.Reader(bytes.NewReader(archive)))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]cpio.Record{}
	last := ""
	for _, r := range all {
		if r.Name <= last {
			t.Errorf("%s comes after %s", r.Name, last)
		}
		last = r.Name
		got[r.Name] = r
	}
	return got
}

func content(t testing.TB, r cpio.Record) string {
	t.Helper()
	data, err := io.ReadAll(io.NewSectionReader(r.ReaderAt, 0, int64(r.FileSize)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestArchive(t *testing.T) {
	modules, err := collect(kernelDir(t, modular), nil, wantedModules)
	if err != nil {
		t.Fatal(err)
	}
	modules.builtin = []string{"virtio_mmio"}
	write := func() []byte {
		var b bytes.Buffer
		if err := writeArchive(&b, "6.1.0-test", []byte("the agent"), modules); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	archive := write()
	if !bytes.Equal(archive, write()) {
		t.Error("the same content gives different archives")
	}
	got := records(t, archive)
	modes := map[string]uint64{}
	for name, r := range got {
		modes[name] = r.Mode
		if r.MTime != 0 || r.UID != 0 || r.GID != 0 {
			t.Errorf("%s has a time or an owner: %v", name, r.Info)
		}
	}
	const dir, file, dev = cpio.S_IFDIR | 0o755, cpio.S_IFREG | 0o644, cpio.S_IFCHR
	base := "lib/modules/6.1.0-test"
	want := map[string]uint64{
		"init": cpio.S_IFREG | 0o755, "dev": dir, "proc": dir, "run": dir, "sys": dir, "tmp": dir, "lib": dir, "lib/modules": dir,
		"dev/console": dev | 0o600, "dev/null": dev | 0o666, base: dir, base + "/modules.dep": file, base + "/modules.builtin": file,
		base + "/veth.ko": file, base + "/virtio.ko": file, base + "/virtio_ring.ko": file, base + "/virtio_pci.ko": file,
		base + "/virtio_console.ko": file,
	}
	if diff := cmp.Diff(want, modes); diff != "" {
		t.Errorf("archive (-want +got):\n%s", diff)
	}
	if r := got["dev/console"]; r.Rmajor != 5 || r.Rminor != 1 {
		t.Errorf("console is %d:%d, want 5:1", r.Rmajor, r.Rminor)
	}
	if got := content(t, got["init"]); got != "the agent" {
		t.Errorf("init is %q", got)
	}
	wantDep := "veth.ko:\nvirtio.ko: virtio_ring.ko\nvirtio_console.ko: virtio_ring.ko virtio.ko\n" +
		"virtio_pci.ko: virtio.ko virtio_ring.ko\nvirtio_ring.ko:\n"
	if diff := cmp.Diff(wantDep, content(t, got[base+"/modules.dep"])); diff != "" {
		t.Errorf("modules.dep (-want +got):\n%s", diff)
	}
	if got := content(t, got[base+"/modules.builtin"]); got != "virtio_mmio.ko\n" {
		t.Errorf("modules.builtin is %q", got)
	}
}

func testSpec(t testing.TB, logf func(string, ...any)) Spec {
	t.Helper()
	c, err := cache.OpenAt(filepath.Join(t.TempDir(), "cache"))
	if err != nil {
		t.Fatal(err)
	}
	return Spec{
		Kernel: &kernel.Kernel{Release: "6.1.0-test", Modules: kernelDir(t, modular), ID: "k1"},
		Cache:  c, Logf: logf,
	}
}

// TestBuild builds the real agent. The second time, nothing is built; another kernel gets another image.
func TestBuild(t *testing.T) {
	built := 0
	s := testSpec(t, func(string, ...any) { built++ })
	first, err := Build(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := os.ReadFile(first.Path)
	if err != nil {
		t.Fatal(err)
	}
	init := content(t, records(t, archive)["init"])
	if !strings.HasPrefix(init, "\x7fELF") {
		t.Error("init is no program")
	}
	if strings.Contains(init, "/lib64/ld-linux") {
		t.Error("init is not static")
	}
	t.Setenv("PATH", "")
	second, err := Build(t.Context(), s)
	if err != nil {
		t.Fatalf("the second time, without a go command: %v", err)
	}
	if diff := cmp.Diff(first, second); diff != "" || built != 1 {
		t.Errorf("built %d times, image (-first +second):\n%s", built, diff)
	}
	s.Kernel = &kernel.Kernel{Release: "6.1.0-test", Modules: s.Kernel.Modules, ID: "k2"}
	if _, err := Build(t.Context(), s); !errors.Is(err, ErrNoGo) {
		t.Errorf("another kernel without a go command: %v, want %v", err, ErrNoGo)
	}
}

func TestBuildErrors(t *testing.T) {
	s := testSpec(t, nil)
	s.Kernel.Modules = ""
	if _, err := Build(t.Context(), s); !errors.Is(err, ErrNoVirtio) {
		t.Errorf("kernel without virtio: %v, want %v", err, ErrNoVirtio)
	}
	for _, bad := range []Spec{{}, {Kernel: s.Kernel}, {Kernel: &kernel.Kernel{}, Cache: s.Cache}} {
		if _, err := Build(t.Context(), bad); err == nil {
			t.Errorf("%+v: no error", bad)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s = testSpec(t, nil)
	if _, err := Build(ctx, s); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v, want %v", err, context.Canceled)
	}
	left, err := filepath.Glob(filepath.Join(s.Cache.Root(), cacheKind, ".tmp-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestBuildAgentShowsTheCompiler builds an agent with a mistake in it.
func TestBuildAgentShowsTheCompiler(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module ktcp\n\ngo 1.26\n", "guest/main.go": "package main\n\nfunc main() { mistake() }\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	err := buildAgent(t.Context(), root, filepath.Join(root, "agent"))
	var build *BuildError
	if !errors.As(err, &build) {
		t.Fatalf("error = %v, want a BuildError", err)
	}
	if want := "guest/main.go:3:15: undefined: mistake"; !strings.Contains(build.Output, want) {
		t.Errorf("the compiler's output is %q, want %q in it", build.Output, want)
	}
	if strings.Contains(build.Error(), "\n") {
		t.Errorf("message of several lines: %q", build.Error())
	}
}

func TestSourceRoot(t *testing.T) {
	root, err := sourceRoot()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "guest", "wire", "ops.go")); err != nil {
		t.Errorf("root %s holds no agent: %v", root, err)
	}
	if isRoot(t.TempDir()) {
		t.Error("an empty directory was taken for the source")
	}
}

func TestAgentKeyFollowsTheSource(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	key := func() string {
		t.Helper()
		k, err := agentKey(root)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	write("go.mod", "module ktcp")
	write("go.sum", "")
	write("guest/main.go", "package main")
	before := key()
	write("guest/main_test.go", "package main")
	write("guest/kmsg/testdata/log", "x")
	if key() != before {
		t.Error("tests and their data count as the agent")
	}
	write("guest/wire/ops.go", "package wire")
	if key() == before {
		t.Error("a file that was added does not count")
	}
	before = key()
	write("go.sum", "other")
	if key() == before {
		t.Error("dependencies do not count")
	}
}
