package files

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// Make makes a file, a directory, or something that only looks like one.
func (s Files) Make(req wire.MakeRequest) (wire.None, error) {
	err := os.MkdirAll(filepath.Dir(req.Path), 0o755)
	if err == nil {
		err = makeOne(req)
	}
	if err != nil {
		return wire.None{}, fmt.Errorf("make %s %s: %w", req.Kind, req.Path, root(err))
	}
	return wire.None{}, nil
}

func makeOne(req wire.MakeRequest) error {
	mode := os.FileMode(req.Mode)
	if req.Kind == wire.MakeDir {
		if mode == 0 {
			mode = 0o755
		}
		if err := os.MkdirAll(req.Path, mode); err != nil {
			return err
		}
		return os.Chmod(req.Path, mode) // whatever the umask says
	}
	if err := os.RemoveAll(req.Path); err != nil {
		return err
	}
	if mode == 0 {
		mode = 0o644
	}
	switch req.Kind {
	case wire.MakeFile:
		if err := makeFile(req); err != nil {
			return err
		}
	case wire.MakeLink:
		return os.Symlink(req.Target, req.Path)
	case wire.MakeFIFO:
		if err := unix.Mkfifo(req.Path, uint32(mode)); err != nil {
			return err
		}
	case wire.MakeDevice:
		if err := unix.Mknod(req.Path, unix.S_IFCHR|uint32(mode), int(unix.Mkdev(1, 5))); err != nil {
			return err
		}
	default:
		return fmt.Errorf("%q is no kind of file", req.Kind)
	}
	return os.Chmod(req.Path, mode)
}

func makeFile(req wire.MakeRequest) (err error) {
	f, err := os.Create(req.Path)
	if err != nil {
		return err
	}
	_, err = f.Seek(req.Hole, io.SeekStart)
	for range max(req.Repeat, 1) {
		if err != nil {
			break
		}
		_, err = f.Write(req.Data)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil && !req.Modified.IsZero() {
		err = os.Chtimes(req.Path, req.Modified, req.Modified)
	}
	return err
}
