package trace

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

func TestFunctions(t *testing.T) {
	const text = "tcp_recvmsg\nktcp_recv [khttpd]\nktcp_recv [kecho]\nio_turn [kecho]\n"
	if diff := cmp.Diff([]string{"ktcp_recv", "io_turn"}, functions(text, "kecho")); diff != "" {
		t.Error(diff)
	}
}

func TestLost(t *testing.T) {
	const text = "entries: 5\noverrun: 3\ncommit overrun: 0\nbytes: 7\nnow ts: 1.5\ndropped events: 2\nread events: 9\n"
	if got := lost(text); got != 5 {
		t.Errorf("%d lost, want 5", got)
	}
}

// A kernel without the tracer, and a module without functions, are said to be that; the tracer is off afterwards.
func TestStartRefuses(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	g := Graph{Dir: dir}
	put("available_tracers", "blk function nop\n")
	if _, err := g.Start(wire.GraphRequest{Module: "kecho"}); !errors.Is(err, ErrNoTracer) {
		t.Errorf("%v, want %v", err, ErrNoTracer)
	}
	put("available_tracers", "function_graph function nop\n")
	put("available_filter_functions", "tcp_recvmsg\n")
	if _, err := g.Start(wire.GraphRequest{Module: "kecho"}); !errors.Is(err, ErrNoFunctions) {
		t.Errorf("%v, want %v", err, ErrNoFunctions)
	}
	put("available_filter_functions", "io_turn [kecho]\n")
	for _, name := range []string{"tracing_on", "buffer_size_kb", "max_graph_depth", "set_graph_function", "current_tracer", "trace_options"} {
		put(name, "")
	}
	if _, err := g.Start(wire.GraphRequest{Module: "kecho", Depth: 3}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"current_tracer": "function_graph\n", "set_graph_function": "\nio_turn\n", "max_graph_depth": "3\n", "tracing_on": "1\n",
	} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(text) != want {
			t.Errorf("%s holds %q, %v, want %q", name, text, err, want)
		}
	}
	put("trace", " 0) | io_turn [kecho]() {\n")
	answer, err := g.Stop(wire.None{})
	if err != nil || answer.Text == "" {
		t.Errorf("%+v, %v", answer, err)
	}
	if text, _ := os.ReadFile(filepath.Join(dir, "current_tracer")); string(text) != "nop\n" {
		t.Errorf("the tracer is %q, want nop", text)
	}
}

// record returns a record as the kernel writes it.
func record(kind uint32, misc uint16, words ...uint64) []byte {
	b := binary.LittleEndian.AppendUint32(nil, kind)
	b = binary.LittleEndian.AppendUint16(b, misc)
	b = binary.LittleEndian.AppendUint16(b, uint16(headerSize+8*len(words)))
	for _, w := range words {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}

const kernelMark = ^uint64(127) // PERF_CONTEXT_KERNEL

func TestSamples(t *testing.T) {
	me := uint64(os.Getpid())<<32 | uint64(os.Getpid())
	kernel := record(unix.PERF_RECORD_SAMPLE, 1, 0x1010, me, 3, kernelMark, 0x1010, 0x2020)
	user := record(unix.PERF_RECORD_SAMPLE, userMode, 0x400000, me, 0)
	lost := record(unix.PERF_RECORD_LOST, 0, 1, 7)
	var data []byte
	for _, r := range [][]byte{kernel, user, kernel, lost} {
		data = append(data, r...)
	}
	seen := counted{}
	n, err := seen.read(data, newTasks("/proc"))
	if err != nil || n != 7 {
		t.Fatalf("%d lost, %v, want 7", n, err)
	}
	comm, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	task := string(comm[:len(comm)-1])
	var answer wire.ProfileAnswer
	seen.describe(&answer, symbols{{0x1000, "recv", "kecho"}, {0x2000, "worker", ""}})
	want := wire.ProfileAnswer{
		Samples: 3,
		Frames:  []wire.StackFrame{{Func: "recv", Module: "kecho", Offset: 0x10, Addr: 0x1010}, {Func: "worker", Offset: 0x20, Addr: 0x2020}},
		Stacks:  []wire.ProfileStack{{Task: task, Frames: []int{0, 1}, Count: 2}, {Task: task, Count: 1}},
	}
	bySize := cmpopts.SortSlices(func(a, b wire.ProfileStack) bool { return a.Count > b.Count })
	if diff := cmp.Diff(want, answer, bySize); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Threads that ended before anybody asked: one of the kernel's, whose name and origin are in rings of two processors, and one of a
// program.
func TestThreadsThatEnded(t *testing.T) {
	name := func(text string) uint64 { return binary.LittleEndian.Uint64([]byte(text)) }
	const gone, other = 4_000_001, 4_000_003
	rings := [][]byte{
		record(unix.PERF_RECORD_COMM, 0, gone<<32|gone, name("khttpd/1"), 0),
		append(record(unix.PERF_RECORD_FORK, 0, kthreadd<<32|gone, kthreadd<<32|gone, 1), record(unix.PERF_RECORD_FORK, 0, 77<<32|other, 77<<32|other, 1)...),
	}
	names := newTasks(t.TempDir())
	for _, r := range rings {
		if err := names.learn(r); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := names.of(gone, gone), (task{"khttpd/1", true}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got, want := names.of(other, other), (task{"ended", false}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A thread that is alive is what its flags say, whatever it is called.
func TestThreadsThatLive(t *testing.T) {
	dir := t.TempDir()
	for pid, stat := range map[string]string{
		"17": "17 (my) server) I 2 0 0 0 -1 69238880 0 0",
		"18": "18 (kworker/fake) S 1 18 18 0 -1 4194304 0 0",
	} {
		if err := os.MkdirAll(filepath.Join(dir, pid), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, pid, "stat"), []byte(stat), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	names := newTasks(dir)
	for pid, want := range map[uint32]task{17: {"my) server", true}, 18: {"kworker/fake", false}} {
		if got := names.of(pid, pid); got != want {
			t.Errorf("%d: %+v, want %+v", pid, got, want)
		}
	}
}

func TestMalformedSamples(t *testing.T) {
	for name, data := range map[string][]byte{
		"half a header":    {1, 2, 3},
		"no size":          make([]byte, 8),
		"beyond the end":   record(unix.PERF_RECORD_SAMPLE, 1, 1, 2, 3)[:20],
		"a stack too long": record(unix.PERF_RECORD_SAMPLE, 1, 0x1010, 1, 9, 0x1010),
		"a short sample":   record(unix.PERF_RECORD_SAMPLE, 1, 0x1010),
		"a short loss":     record(unix.PERF_RECORD_LOST, 0, 1),
		"skipped":          record(unix.PERF_RECORD_THROTTLE, 0, 1, 2, 3),
	} {
		if _, err := (counted{}).read(data, newTasks("/proc")); !errors.Is(err, ErrSamples) {
			t.Errorf("%s: %v, want %v", name, err, ErrSamples)
		}
	}
}

func TestSymbols(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kallsyms")
	const text = "ffffffff81000010 T second\nffffffff81000000 T first\nffffffff81000008 d data\nffffffffc0001000 t io_turn\t[kecho]\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	all, err := readSymbols(file)
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[uint64]wire.StackFrame{
		0xffffffff8100000f: {Func: "first", Offset: 15, Addr: 0xffffffff8100000f},
		0xffffffff81000010: {Func: "second", Addr: 0xffffffff81000010},
		0xffffffffc0001004: {Func: "io_turn", Module: "kecho", Offset: 4, Addr: 0xffffffffc0001004},
		5:                  {Addr: 5},
	} {
		if diff := cmp.Diff(want, all.frame(addr)); diff != "" {
			t.Error(diff)
		}
	}
	if err := os.WriteFile(file, []byte("0000000000000000 T first\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readSymbols(file); err == nil {
		t.Error("symbols without addresses are no error")
	}
}
