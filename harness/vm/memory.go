package vm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// Memory reads a guest's memory from outside, by physical address, without the guest noticing: it implements io.ReaderAt. It is read
// where QEMU has it, so that pages which a clone has written are seen as well as those that it shares with its template.
type Memory struct {
	process *process
	file    *os.File // /proc/PID/mem
	ranges  []ramRange
}

// ramRange is a piece of the guest's memory: from a guest-physical address on it lies at an address in QEMU.
type ramRange struct{ start, end, host uint64 }

// The holes of QEMU's q35: memory that does not fit below the devices goes on above 4 GiB.
const (
	q35MostBelow = 0xb0000000 // as much as this fits
	q35SplitAt   = 0x80000000 // more is split here
	q35Above     = 1 << 32
)

// ErrMemoryBeyond is returned for addresses at which the guest has no memory.
var ErrMemoryBeyond = errors.New("no guest memory there")

// Memory opens the guest's memory. It must be closed. The error wraps fs.ErrPermission where this machine does not let a process look
// into its children.
func (g *Guest) Memory(ctx context.Context) (*Memory, error) {
	p := g.process
	pid := p.monitor.peer()
	if pid == 0 {
		return nil, errors.New("open guest memory: QEMU's process is not known")
	}
	m := &Memory{process: p}
	for _, r := range ramLayout(uint64(g.spec.MemoryMiB) << 20) {
		text, err := p.monitor.within(ctx).HumanMonitorCommand(fmt.Sprintf("gpa2hva 0x%x", r.start), nil)
		if err != nil {
			return nil, fmt.Errorf("ask QEMU for the place of guest memory: %w", err)
		}
		if r.host, err = parseHostAddress(text); err != nil {
			return nil, err
		}
		m.ranges = append(m.ranges, r)
	}
	var err error
	if m.file, err = os.Open(fmt.Sprintf("/proc/%d/mem", pid)); err != nil {
		return nil, fmt.Errorf("open guest memory: %w", err)
	}
	return m, nil
}

// MemoryReadable reports whether this machine lets a process look into its children, as [Guest.Memory] must: what ptrace(2) calls its access
// mode check, which Yama, the capabilities of a container and others take part in. It is tried once, with a child that waits.
var MemoryReadable = sync.OnceValue(func() bool {
	child := exec.Command("/bin/sh", "-c", "read -r line")
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := child.StdinPipe()
	if err != nil {
		return false
	}
	// Its parent is the thread that starts it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := child.Start(); err != nil {
		return false
	}
	defer func() {
		_ = in.Close() // it reads to the end of its input
		_ = child.Wait()
	}()
	f, err := os.Open(fmt.Sprintf("/proc/%d/mem", child.Process.Pid))
	if err != nil {
		return false
	}
	return f.Close() == nil
})

// ramLayout says where q35 puts so many bytes of memory.
func ramLayout(size uint64) []ramRange {
	if size < q35MostBelow {
		return []ramRange{{end: size}}
	}
	return []ramRange{{end: q35SplitAt}, {start: q35Above, end: q35Above + size - q35SplitAt}}
}

// parseHostAddress reads the answer to gpa2hva: "Host virtual address for 0x0 (ram) is 0x7f52c3e00000".
func parseHostAddress(text string) (uint64, error) {
	_, address, ok := strings.Cut(strings.TrimSpace(text), ") is 0x")
	host, err := strconv.ParseUint(address, 16, 64)
	if !ok || err != nil {
		return 0, fmt.Errorf("ask QEMU for the place of guest memory: unexpected answer %q", strings.TrimSpace(text))
	}
	return host, nil
}

// ReadAt implements io.ReaderAt: off is a guest-physical address. A read must not cross the end of the memory.
func (m *Memory) ReadAt(b []byte, off int64) (int, error) {
	for _, r := range m.ranges {
		if start := uint64(off); start >= r.start && start < r.end && uint64(len(b)) <= r.end-start {
			n, err := m.file.ReadAt(b, int64(r.host+start-r.start))
			if err != nil {
				return n, fmt.Errorf("read guest memory at %#x: %w", off, err)
			}
			return n, nil
		}
	}
	return 0, fmt.Errorf("%w: %d bytes at %#x", ErrMemoryBeyond, len(b), off)
}

// Size is where the memory ends: the first address beyond it, in bytes.
func (m *Memory) Size() uint64 { return m.ranges[len(m.ranges)-1].end }

// Pause stops the guest's processors and its clocks, so that what is read until resume is called is of one moment.
func (m *Memory) Pause(ctx context.Context) (resume func(ctx context.Context) error, err error) {
	if err := m.process.monitor.command(ctx, "stop", nil, nil); err != nil {
		return nil, fmt.Errorf("pause guest: %w", err)
	}
	return func(ctx context.Context) error {
		if err := m.process.monitor.command(ctx, "cont", nil, nil); err != nil {
			return fmt.Errorf("resume guest: %w", err)
		}
		return nil
	}, nil
}

// Close closes the memory. The guest goes on.
func (m *Memory) Close() error { return m.file.Close() }
