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
	sections, err := readSections(filepath.Join(sysModule, req.Name, "sections"))
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
func readSections(dir string) (map[string]uint64, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Dir(dir)); err != nil {
			return nil, fmt.Errorf("not under this name: %w", err)
		}
		return map[string]uint64{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list sections: %w", err)
	}
	sections := make(map[string]uint64, len(entries))
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read section: %w", err)
		}
		addr, err := strconv.ParseUint(strings.TrimSpace(string(text)), 0, 64)
		if err != nil {
			return nil, fmt.Errorf("address of section %s: %w", e.Name(), err)
		}
		sections[e.Name()] = addr
	}
	return sections, nil
}
