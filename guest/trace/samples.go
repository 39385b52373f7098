package trace

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// sampleType is what each sample holds, in this order: where the processor was, whose thread that was, and the stack.
const sampleType = unix.PERF_SAMPLE_IP | unix.PERF_SAMPLE_TID | unix.PERF_SAMPLE_CALLCHAIN

// ErrSamples is returned for records that are not as the kernel's interface says.
var ErrSamples = errors.New("the kernel's samples are malformed")

// Records have a header of type (4 bytes), misc (2) and size (2).
const (
	headerSize  = 8
	userMode    = 2 // in the low bits of misc
	modeMask    = 7
	contextMark = ^uint64(4095) + 1 // addresses above are marks of what follows
)

// stack is a sample that can be counted: its addresses in binary, innermost first.
type stack struct {
	task
	addrs string
}

// counted is how often each stack was seen.
type counted map[stack]int

// records calls f for each record of a ring.
func records(data []byte, f func(kind uint32, user bool, body []byte) error) error {
	for len(data) > 0 {
		if len(data) < headerSize {
			return fmt.Errorf("%w: %d bytes at the end", ErrSamples, len(data))
		}
		kind, misc, size := binary.LittleEndian.Uint32(data), binary.LittleEndian.Uint16(data[4:]), int(binary.LittleEndian.Uint16(data[6:]))
		if size < headerSize || size > len(data) {
			return fmt.Errorf("%w: a record of %d bytes", ErrSamples, size)
		}
		if err := f(kind, misc&modeMask == userMode, data[headerSize:size]); err != nil {
			return err
		}
		data = data[size:]
	}
	return nil
}

// read counts the samples of a ring and returns how many were lost.
func (c counted) read(data []byte, tasks *tasks) (lost int, err error) {
	err = records(data, func(kind uint32, user bool, body []byte) error {
		switch kind {
		case unix.PERF_RECORD_SAMPLE:
			return c.sample(body, user, tasks)
		case unix.PERF_RECORD_LOST:
			if len(body) < 16 {
				return fmt.Errorf("%w: a loss of %d bytes", ErrSamples, len(body))
			}
			lost += int(binary.LittleEndian.Uint64(body[8:]))
		case unix.PERF_RECORD_THROTTLE:
			return fmt.Errorf("%w: the kernel has skipped some", ErrSamples)
		}
		return nil
	})
	return lost, err
}

// sample counts one.
func (c counted) sample(body []byte, user bool, tasks *tasks) error {
	const before = 8 + 8 + 8 // address, process and thread, length of the stack
	if len(body) < before {
		return fmt.Errorf("%w: a sample of %d bytes", ErrSamples, len(body))
	}
	pid, tid := binary.LittleEndian.Uint32(body[8:]), binary.LittleEndian.Uint32(body[12:])
	n := binary.LittleEndian.Uint64(body[16:])
	if n > uint64(len(body)-before)/8 {
		return fmt.Errorf("%w: a stack of %d frames in %d bytes", ErrSamples, n, len(body))
	}
	s := stack{task: tasks.of(pid, tid)}
	if !user {
		var addrs []byte
		for i := range n {
			at := before + 8*int(i)
			if binary.LittleEndian.Uint64(body[at:]) < contextMark {
				addrs = append(addrs, body[at:at+8]...)
			}
		}
		s.addrs = string(addrs)
	}
	c[s]++
	return nil
}

// describe fills in the answer.
func (c counted) describe(answer *wire.ProfileAnswer, symbols symbols) {
	index := map[uint64]int{}
	for s, count := range c {
		p := wire.ProfileStack{Task: s.name, Kernel: s.kernel, Count: count}
		for at := 0; at < len(s.addrs); at += 8 {
			addr := binary.LittleEndian.Uint64([]byte(s.addrs[at:]))
			i, ok := index[addr]
			if !ok {
				i = len(answer.Frames)
				index[addr] = i
				answer.Frames = append(answer.Frames, symbols.frame(addr))
			}
			p.Frames = append(p.Frames, i)
		}
		answer.Stacks = append(answer.Stacks, p)
		answer.Samples += count
	}
}

// task is a thread, of a program or of the kernel.
type task struct {
	name   string
	kernel bool
}

// tasks finds out what threads are. A thread may have ended before it is asked for: a server that has one for each connection leaves
// none behind. What began while samples were taken is known from the kernel's records.
type tasks struct {
	proc  string
	known map[uint32]task
}

func newTasks(proc string) *tasks { return &tasks{proc: proc, known: map[uint32]task{}} }

// kthreadd is the process that all threads of the kernel descend from.
const kthreadd = 2

// learn reads in a ring who began, and under which name.
func (t *tasks) learn(data []byte) error {
	return records(data, func(kind uint32, _ bool, body []byte) error {
		switch kind {
		case unix.PERF_RECORD_FORK: // pid, its parent, thread, its parent, time
			if len(body) < 24 {
				return fmt.Errorf("%w: a fork of %d bytes", ErrSamples, len(body))
			}
			tid, known := binary.LittleEndian.Uint32(body[8:]), task{name: "ended"}
			if named, ok := t.known[tid]; ok { // on another processor
				known = named
			}
			known.kernel = binary.LittleEndian.Uint32(body[4:]) == kthreadd
			t.known[tid] = known
		case unix.PERF_RECORD_COMM: // pid, thread, name
			if len(body) < 8 {
				return fmt.Errorf("%w: a name of %d bytes", ErrSamples, len(body))
			}
			tid := binary.LittleEndian.Uint32(body[4:])
			known := t.known[tid]
			known.name = unix.ByteSliceToString(body[8:])
			t.known[tid] = known
		}
		return nil
	})
}

// kernelThread is the kernel's PF_KTHREAD.
const kernelThread = 0x00200000

// of returns what a thread is: what its process is where it has ended.
func (t *tasks) of(pid, tid uint32) task {
	if known, ok := t.known[tid]; ok && known.name != "ended" {
		return known
	}
	found := task{name: "ended", kernel: t.known[tid].kernel}
	for _, dir := range []string{fmt.Sprintf("%d/task/%d", pid, tid), strconv.Itoa(int(pid))} {
		text, err := os.ReadFile(filepath.Join(t.proc, dir, "stat"))
		if err != nil {
			continue
		}
		// "17 (kworker/0:1) I 2 0 0 0 -1 69238880 ...": the name may hold anything, the flags are the seventh behind it.
		before, after, _ := strings.Cut(string(text), "(")
		end := strings.LastIndex(after, ")")
		if before == "" || end < 0 {
			continue
		}
		found.name = after[:end]
		if fields := strings.Fields(after[end+1:]); len(fields) > 6 {
			flags, err := strconv.ParseUint(fields[6], 10, 32)
			found.kernel = err == nil && flags&kernelThread != 0
		}
		break
	}
	t.known[tid] = found
	return found
}

// symbol is a function of the kernel or of a module.
type symbol struct {
	addr         uint64
	name, module string
}

// symbols are all functions by address.
type symbols []symbol

// code are the letters of functions.
var code = []string{"t", "T", "w", "W"}

// readSymbols reads /proc/kallsyms: "ffffffff81000000 T _text", "ffffffffc0001000 t ktcp_recv\t[khttpd]".
func readSymbols(file string) (symbols, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the kernel's symbols: %w", err)
	}
	var all symbols
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 3 || !slices.Contains(code, f[1]) {
			continue
		}
		addr, err := strconv.ParseUint(f[0], 16, 64)
		if err != nil {
			return nil, fmt.Errorf("read the kernel's symbols: %q: %w", line, err)
		}
		s := symbol{addr: addr, name: f[2]}
		if len(f) > 3 {
			s.module = strings.Trim(f[3], "[]")
		}
		all = append(all, s)
	}
	slices.SortStableFunc(all, func(a, b symbol) int {
		switch {
		case a.addr < b.addr:
			return -1
		case a.addr > b.addr:
			return 1
		}
		return 0
	})
	if len(all) == 0 || all[len(all)-1].addr == 0 {
		return nil, errors.New("read the kernel's symbols: it does not tell their addresses")
	}
	return all, nil
}

// frame names an address.
func (all symbols) frame(addr uint64) wire.StackFrame {
	i, _ := slices.BinarySearchFunc(all, addr, func(s symbol, addr uint64) int {
		if s.addr <= addr {
			return -1
		}
		return 1
	})
	f := wire.StackFrame{Addr: addr}
	if i > 0 {
		s := all[i-1]
		f.Func, f.Module, f.Offset = s.name, s.module, addr-s.addr
	}
	return f
}
