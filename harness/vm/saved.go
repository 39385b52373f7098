package vm

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// The files of a template.
const (
	ramFile     = "ram"
	stateFile   = "state"
	consoleFile = "console.log"
	metaFile    = "meta.json" // written last
)

// meta describes a template, so that a damaged one is noticed before it is used.
type meta struct {
	Version     string `json:"version"`
	RAMSize     int64  `json:"ram_size"`   // bytes
	RAMBlocks   int64  `json:"ram_blocks"` // bytes that are allocated on disk, at least
	StateSize   int    `json:"state_size"`
	StateDigest string `json:"state_sha256"`
}

// reserve creates the file for a guest's memory with room on disk for all of it: a guest whose memory does not fit
// would die of SIGBUS at any moment.
func reserve(path string, size int64) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	err = unix.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) {
		err = f.Truncate(size)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("reserve %d MiB for the guest's memory: %w", size>>20, err)
	}
	return f, nil
}

// newRAM makes the file of a guest's memory in dir, in place of one that is there.
func newRAM(dir string, memoryMiB int) (*os.File, error) {
	path := filepath.Join(dir, ramFile)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return reserve(path, int64(memoryMiB)<<20)
}

// trim gives back the room for memory that the guest never touched.
func trim(f *os.File) error {
	size, err := f.Seek(0, 2)
	if err != nil {
		return fmt.Errorf("trim guest memory: %w", err)
	}
	fd := int(f.Fd())
	for at := int64(0); at < size; {
		data, err := unix.Seek(fd, at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			data = size // no more data
		} else if err != nil {
			return nil //nolint:nilerr // a file system that cannot tell: the file stays as large as it is
		}
		if data > at {
			err := unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, at, data-at)
			if errors.Is(err, unix.EOPNOTSUPP) {
				return nil
			} else if err != nil {
				return fmt.Errorf("trim guest memory: %w", err)
			}
		}
		if data == size {
			return nil
		}
		if at, err = unix.Seek(fd, data, unix.SEEK_HOLE); err != nil {
			return fmt.Errorf("trim guest memory: %w", err)
		}
	}
	return nil
}

// writeTemplate adds to ram what else makes a template. All of it is on disk before the description is: a host that loses
// power does not leave a template that only looks whole.
func writeTemplate(dir string, ram *os.File, state, console []byte) error {
	if err := ram.Sync(); err != nil {
		return fmt.Errorf("write guest memory: %w", err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(ram.Fd()), &st); err != nil {
		return fmt.Errorf("write guest memory: %w", err)
	}
	digest := sha256.Sum256(state)
	description, err := json.MarshalIndent(meta{
		Version: formatVersion, RAMSize: st.Size, RAMBlocks: st.Blocks * 512,
		StateSize: len(state), StateDigest: hex.EncodeToString(digest[:]),
	}, "", "\t")
	if err != nil {
		return fmt.Errorf("describe template: %w", err)
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{consoleFile, console}, {stateFile, state}, {metaFile, append(description, '\n')}} {
		if err := writeSynced(filepath.Join(dir, f.name), f.data); err != nil {
			return err
		}
	}
	return nil
}

func writeSynced(path string, data []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// loadTemplate checks a template and opens it.
func loadTemplate(dir string, size int64) (*template, error) {
	description, err := os.ReadFile(filepath.Join(dir, metaFile))
	if err != nil {
		return nil, err
	}
	var m meta
	if err := json.Unmarshal(description, &m); err != nil {
		return nil, fmt.Errorf("decode %s: %w", metaFile, err)
	}
	if m.Version != formatVersion {
		return nil, fmt.Errorf("%s is of version %q, want %q", metaFile, m.Version, formatVersion)
	}
	t := &template{}
	if t.state, err = os.ReadFile(filepath.Join(dir, stateFile)); err != nil {
		return nil, err
	}
	digest := sha256.Sum256(t.state)
	if len(t.state) != m.StateSize || hex.EncodeToString(digest[:]) != m.StateDigest {
		return nil, fmt.Errorf("%s is not what was saved", stateFile)
	}
	if t.console, err = os.ReadFile(filepath.Join(dir, consoleFile)); err != nil {
		return nil, err
	}
	// Read and write, because QEMU opens it so, also for a private mapping.
	if t.ram, err = os.OpenFile(filepath.Join(dir, ramFile), os.O_RDWR, 0); err != nil {
		return nil, err
	}
	if err := checkRAM(t.ram, m, size); err != nil {
		t.ram.Close()
		return nil, err
	}
	return t, nil
}

// checkRAM compares the memory file's size, and the part of it that is not a hole, with what was saved. Reading
// all of it at the start of every run would cost more than it protects from.
func checkRAM(f *os.File, m meta, size int64) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return err
	}
	if st.Size != m.RAMSize || st.Size != size {
		return fmt.Errorf("%s has %d bytes, want %d", ramFile, st.Size, size)
	}
	if st.Blocks*512 < m.RAMBlocks {
		return fmt.Errorf("%s has lost %d KiB", ramFile, (m.RAMBlocks-st.Blocks*512)>>10)
	}
	// Have it read ahead; where that does not work the first clone reads it.
	_ = unix.Fadvise(int(f.Fd()), 0, size, unix.FADV_WILLNEED)
	return nil
}

// cpuModel reduces /proc/cpuinfo to the model and features of the first processor.
func cpuModel(info []byte) string {
	first, _, _ := bytes.Cut(info, []byte("\n\n"))
	var kept []string
	for line := range strings.Lines(string(first)) {
		switch name, _, _ := strings.Cut(line, ":"); strings.TrimSpace(name) {
		case "vendor_id", "cpu family", "model", "model name", "stepping", "microcode", "flags":
			kept = append(kept, strings.TrimSpace(line))
		}
	}
	return strings.Join(kept, "\n")
}
