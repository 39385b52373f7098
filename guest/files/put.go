package files

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// Put makes a file, or adds to one.
func Put(req wire.PutRequest) (wire.None, error) {
	if err := put(req); err != nil {
		return wire.None{}, fmt.Errorf("put %s: %w", req.Path, root(err))
	}
	return wire.None{}, nil
}

func put(req wire.PutRequest) error {
	perm := req.Mode & 0o7777
	if req.Append {
		return appendTo(req)
	}
	if err := os.MkdirAll(filepath.Dir(req.Path), 0o755); err != nil {
		return err
	}
	if req.Mode&unix.S_IFMT == unix.S_IFDIR {
		if err := os.Mkdir(req.Path, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
		return unix.Chmod(req.Path, perm)
	}
	// A program that runs can be replaced, not written to.
	if err := os.Remove(req.Path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	switch kind := req.Mode & unix.S_IFMT; {
	case req.Link != "":
		return os.Symlink(req.Link, req.Path)
	case kind != 0 && kind != unix.S_IFREG:
		return unix.Mknod(req.Path, req.Mode, 0)
	}
	if err := os.WriteFile(req.Path, req.Data, 0o600); err != nil {
		return err
	}
	return finish(req, perm)
}

func appendTo(req wire.PutRequest) error {
	f, err := os.OpenFile(req.Path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(req.Data)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return finish(req, req.Mode&0o7777)
}

func finish(req wire.PutRequest, perm uint32) error {
	if req.Mtime != 0 {
		when := time.Unix(req.Mtime, 0)
		if err := os.Chtimes(req.Path, when, when); err != nil {
			return err
		}
	}
	return unix.Chmod(req.Path, perm)
}
