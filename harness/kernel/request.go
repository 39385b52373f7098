package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// defaultSeries is the series that ktcp is made for; without a request it is taken wherever it is packaged.
const defaultSeries = "6.1"

// request is what the user wants, understood.
type request struct {
	host bool
	dir  string // absolute
	name string // series, release or package version; "" for the default
}

// parseRequest understands the user's KERNEL=.
func parseRequest(want string) (request, error) {
	want = strings.TrimSpace(want)
	switch {
	case want == "":
		return request{}, nil
	case want == "host":
		return request{host: true}, nil
	case isDir(want):
		dir, err := filepath.Abs(want)
		return request{dir: dir}, err
	case strings.ContainsRune(want, filepath.Separator):
		dir, err := filepath.Abs(want)
		if err != nil {
			return request{}, err
		}
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return request{}, fmt.Errorf("%w: %s does not exist", ErrNotKernel, dir)
		}
		return request{}, fmt.Errorf("%w: %s is not a directory", ErrNotKernel, dir)
	}
	name := strings.TrimPrefix(want, "linux-image-")
	name = strings.TrimPrefix(name, "unsigned-")
	name = strings.TrimSuffix(name, "-unsigned")
	if name == "" || name[0] < '0' || name[0] > '9' {
		return request{}, fmt.Errorf("%w: %q is neither a version, a release, a directory nor \"host\"", ErrNoPackage, want)
	}
	return request{name: name}, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
