package files

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"ktcp/guest/wire"
)

func TestMake(t *testing.T) {
	dir := t.TempDir()
	modified := time.Date(2020, 2, 29, 12, 0, 0, 0, time.UTC)
	for _, req := range []wire.MakeRequest{
		{Kind: wire.MakeFile, Path: "a/b/file", Data: []byte("xy"), Repeat: 3, Modified: modified},
		{Kind: wire.MakeFile, Path: "secret", Mode: 0o600},
		{Kind: wire.MakeDir, Path: "a/dir", Mode: 0o700},
		{Kind: wire.MakeLink, Path: "a/link", Target: "b/file"},
		{Kind: wire.MakeFIFO, Path: "a/fifo"},
	} {
		req.Path = filepath.Join(dir, req.Path)
		for range 2 { // what is there is replaced
			if _, err := (Files{}).Make(req); err != nil {
				t.Fatal(err)
			}
		}
		info, err := os.Lstat(req.Path)
		if err != nil {
			t.Fatal(err)
		}
		if req.Mode != 0 && info.Mode().Perm() != os.FileMode(req.Mode) {
			t.Errorf("%s has mode %v, want %o", req.Path, info.Mode(), req.Mode)
		}
	}
	if data, err := os.ReadFile(filepath.Join(dir, "a/link")); err != nil || string(data) != "xyxyxy" {
		t.Errorf("read through the link: %q, %v; want xyxyxy", data, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "a/b/file")); err != nil || !info.ModTime().Equal(modified) {
		t.Errorf("modified %v, %v; want %v", info.ModTime(), err, modified)
	}
	if info, err := os.Stat(filepath.Join(dir, "a/fifo")); err != nil || info.Mode().Type() != os.ModeNamedPipe {
		t.Errorf("a FIFO is %v, %v", info.Mode(), err)
	}
}

func TestMakeWithAHole(t *testing.T) {
	const hole = 5 << 30
	file := filepath.Join(t.TempDir(), "file")
	if _, err := (Files{}).Make(wire.MakeRequest{Kind: wire.MakeFile, Path: file, Data: []byte("end"), Hole: hole}); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	end := make([]byte, 4)
	if n, err := f.ReadAt(end, hole-1); string(end) != "\x00end" || err != nil {
		t.Errorf("read %d bytes %q, %v behind the hole", n, end, err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if room := info.Sys().(*syscall.Stat_t).Blocks * 512; info.Size() != hole+3 || room > 1<<20 {
		t.Errorf("%d bytes take %d", info.Size(), room)
	}
}

func TestMakeRefused(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if _, err := (Files{}).Make(wire.MakeRequest{Kind: wire.MakeFile, Path: file}); err != nil {
		t.Fatal(err)
	}
	if _, err := (Files{}).Make(wire.MakeRequest{Kind: wire.MakeFile, Path: file + "/below"}); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("a file below a file: %v, want ENOTDIR", err)
	}
	if _, err := (Files{}).Make(wire.MakeRequest{Kind: "socket", Path: filepath.Join(dir, "s")}); err == nil {
		t.Error("a kind that does not exist was made")
	}
}
