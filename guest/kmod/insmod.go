package kmod

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/u-root/u-root/pkg/kmodule"
	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// sysModule holds a directory for every loaded module.
const sysModule = "/sys/module"

// Insmod loads a module and reads where its sections are.
func Insmod(req wire.InsmodRequest) (wire.InsmodAnswer, error) {
	since, err := monotonic()
	if err != nil {
		return wire.InsmodAnswer{}, err
	}
	start := time.Now()
	if err := kmodule.Init(req.Image, req.Params); err != nil {
		return wire.InsmodAnswer{}, fmt.Errorf("insmod %s: %w", req.Name, err)
	}
	elapsed := time.Since(start)
	sections, err := readSections(filepath.Join(sysModule, req.Name, "sections"), req.Sections)
	if err != nil {
		return wire.InsmodAnswer{}, fmt.Errorf("insmod %s: it is loaded, but: %w", req.Name, err)
	}
	return wire.InsmodAnswer{Sections: sections, Elapsed: elapsed, Since: since}, nil
}

// monotonic is the guest time since boot.
func monotonic() (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return 0, fmt.Errorf("read the clock: %w", err)
	}
	return time.Duration(ts.Nano()), nil
}

// readSections reads section addresses: one file each, named after its section. A kernel without CONFIG_KALLSYMS has none.
// Nil names are all that there are.
func readSections(dir string, names []string) (map[string]uint64, error) {
	at, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Dir(dir)); err != nil {
			return nil, fmt.Errorf("not under this name: %w", err)
		}
		return map[string]uint64{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	defer unix.Close(at)
	if names == nil {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, fmt.Errorf("list sections: %w", err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
	}
	sections := make(map[string]uint64, len(names))
	for _, name := range names {
		addr, err := readSection(at, name)
		if errors.Is(err, fs.ErrNotExist) { // it is empty, or was merged with another
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("section %s: %w", name, err)
		}
		sections[name] = addr
	}
	return sections, nil
}

// readSection reads one without the runtime's poller, which os.Open would ask about each, and without walking down from the root.
func readSection(dir int, name string) (uint64, error) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("open: %w", err)
	}
	defer unix.Close(fd)
	var text [32]byte // "0x", 16 digits and a line's end
	n, err := unix.Read(fd, text[:])
	if err != nil {
		return 0, fmt.Errorf("read: %w", err)
	}
	return strconv.ParseUint(strings.TrimSpace(string(text[:n])), 0, 64)
}
