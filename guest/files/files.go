package files

import (
	"fmt"
	"io"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// Enter runs f on a thread inside a network namespace.
type Enter func(netns string, f func() error) error

// Translate turns a path as a process in a namespace would use it into one for a thread inside [Enter].
type Translate func(netns, path string) string

// Files carries out the host's requests.
type Files struct {
	Enter     Enter
	Translate Translate
}

// Read returns a file's content.
func (s Files) Read(req wire.FileRequest) (wire.FileAnswer, error) {
	var answer wire.FileAnswer
	err := s.Enter(req.Netns, func() (err error) {
		answer.Data, err = readAll(s.Translate(req.Netns, req.Path))
		return err
	})
	return answer, named(err, req.Path)
}

// Write opens a file as a shell's redirection does, though without creating it, and writes to it once.
func (s Files) Write(req wire.WriteRequest) (wire.None, error) {
	err := s.Enter(req.Netns, func() error {
		fd, err := openForWriting(s.Translate(req.Netns, req.Path))
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return writeOnce(fd, req.Data)
	})
	return wire.None{}, named(err, req.Path)
}

// List returns a directory's entries, sorted; directories end in a slash.
func (s Files) List(req wire.FileRequest) (wire.ListAnswer, error) {
	var answer wire.ListAnswer
	err := s.Enter(req.Netns, func() error {
		entries, err := os.ReadDir(s.Translate(req.Netns, req.Path))
		for _, e := range entries {
			name := e.Name()
			if e.IsDir() {
				name += "/"
			}
			answer.Names = append(answer.Names, name)
		}
		slices.Sort(answer.Names)
		return err
	})
	if err != nil {
		return wire.ListAnswer{}, fmt.Errorf("list %s: %w", req.Path, root(err))
	}
	return answer, nil
}

// readChunk fits what procfs and sysfs give at a time.
const readChunk = 16 << 10

func readAll(path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, opError{"open", err}
	}
	defer unix.Close(fd)
	var data []byte
	for {
		data = slices.Grow(data, readChunk)
		n, err := unix.Read(fd, data[len(data):cap(data)])
		switch {
		case err == unix.EINTR:
		case err != nil:
			return nil, opError{"read", err}
		case n == 0:
			return data, nil
		default:
			data = data[:len(data)+n]
		}
	}
}

func openForWriting(path string) (fd int, err error) {
	fd, err = unix.Open(path, unix.O_WRONLY|unix.O_TRUNC|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, opError{"open", err}
	}
	return fd, nil
}

// writeOnce writes at the file's start. A write that was cut short is an error: a second one would be a second
// command to an attribute.
func writeOnce(fd int, data []byte) error {
	n, err := unix.Pwrite(fd, data, 0)
	if err != nil {
		return opError{"write", err}
	}
	if n != len(data) {
		return opError{fmt.Sprintf("write %d of %d bytes to", n, len(data)), io.ErrShortWrite}
	}
	return nil
}
