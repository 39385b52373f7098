package smallfs

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMountIsSmall(t *testing.T) {
	Run(t, func(t *testing.T) {
		dir := Mount(t, "size=64k")
		if err := os.WriteFile(filepath.Join(dir, "fits"), make([]byte, 32<<10), 0o600); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "large"), make([]byte, 64<<10), 0o600); !errors.Is(err, unix.ENOSPC) {
			t.Errorf("%v, want %v", err, unix.ENOSPC)
		}
	})
}
