package ledger

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"ktcp/guest/cause"
	"ktcp/guest/wire"
)

// perCPUCache is what stands in the place of a cache's name for per-CPU memory.
const perCPUCache = "percpu"

// perCPU keeps the books of per-CPU memory. Its allocator keeps none: a bit for each piece, and not whose it is. So the kernel's tracer notes, from
// boot on, what modules allocate, with the stack, and all that is freed. What other parts of the kernel allocate for a module, such as
// alloc_workqueue, is left out where the kernel tells it apart.
type perCPU struct {
	dir     string // where tracefs is mounted
	symbols string // /proc/kallsyms
}

// ErrOverrun is returned when the tracer has forgotten something: neither what is alive nor what is not can be known.
var ErrOverrun = errors.New("the tracer's buffer was too small for the per-CPU memory that was allocated and freed")

const (
	perCPUAlloc = "percpu_alloc_percpu"
	perCPUFree  = "percpu_free_percpu"
	// byModules chooses what was allocated by the text of a module: those lie above the kernel's.
	byModules = "call_site >= 0xffffffffa0000000"
	// byWrapper chooses what was allocated by one of [wrappers].
	byWrapper = " || call_site >= 0x%x && call_site < 0x%x"
	// perCPUKiB is the room for each CPU: 80,000 pieces that are freed, those of three thousand namespaces.
	perCPUKiB = "4096"
)

// wrappers are what stands between a module and the allocator in the kernels that do not call the latter by a jump, as those with frame pointers.
// All the kernel's own pieces come with them.
var wrappers = []string{"__alloc_percpu", "__alloc_percpu_gfp"}

// callers returns the filter of the tracer that chooses what is noted.
func (p perCPU) callers() (string, error) {
	f, err := os.Open(p.symbols)
	if err != nil {
		return "", fmt.Errorf("per-CPU memory: %w", err)
	}
	defer f.Close()
	filter := byModules
	var start uint64
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 1<<20), 1<<20)
	for missing := len(wrappers); lines.Scan() && (missing > 0 || start != 0); {
		addr, name, ok := strings.Cut(lines.Text(), " ")
		if !ok || len(name) < 2 {
			return "", fmt.Errorf("%w: %q in %s", ErrFormat, lines.Text(), p.symbols)
		}
		name = name[2:]
		if start == 0 && !slices.Contains(wrappers, name) {
			if name == "_etext" {
				break
			}
			continue
		}
		at, err := strconv.ParseUint(addr, 16, 64)
		if err != nil {
			return "", fmt.Errorf("%w: %q in %s", ErrFormat, lines.Text(), p.symbols)
		}
		if start != 0 && at != start {
			filter += fmt.Sprintf(byWrapper, start, at)
			start = 0
		}
		if slices.Contains(wrappers, name) {
			start = at
			missing--
		}
	}
	return filter, lines.Err()
}

// begin has the tracer take notes. A kernel without one, or before 5.19, whose tracer does not tell who allocates, keeps no books of
// per-CPU memory.
func (p perCPU) begin() error {
	format, err := os.ReadFile(filepath.Join(p.dir, "events", "percpu", perCPUAlloc, "format"))
	if errors.Is(err, os.ErrNotExist) || err == nil && !strings.Contains(string(format), " call_site;") {
		return nil
	}
	if err != nil {
		return fmt.Errorf("per-CPU memory: %w", err)
	}
	callers, err := p.callers()
	if err != nil {
		return err
	}
	for _, w := range [][2]string{
		{"buffer_size_kb", perCPUKiB},
		{"trace_clock", "mono"}, // the clock of wire.LedgerRequest
		{"options/sym-offset", "1"},
		{"options/hash-ptr", "0"},
		{"events/percpu/" + perCPUAlloc + "/filter", callers},
		{"events/percpu/" + perCPUAlloc + "/trigger", "stacktrace if " + callers},
		{"events/percpu/" + perCPUAlloc + "/enable", "1"},
		{"events/percpu/" + perCPUFree + "/enable", "1"},
	} {
		if err := os.WriteFile(filepath.Join(p.dir, w[0]), []byte(w[1]+"\n"), 0); err != nil {
			return fmt.Errorf("have per-CPU memory noted: set %s to %q: %w", w[0], w[1], err)
		}
	}
	return nil
}

// sites returns the module's per-CPU memory that is alive. While the tracer is in use for something else, see ktcp/guest/trace, there are no books.
func (p perCPU) sites(m cause.Module) ([]wire.Site, error) {
	on, err := os.ReadFile(filepath.Join(p.dir, "events", "percpu", perCPUAlloc, "enable"))
	if errors.Is(err, os.ErrNotExist) || err == nil && strings.HasPrefix(string(on), "0") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("per-CPU memory: %w", err)
	}
	text, err := readInto(nil, filepath.Join(p.dir, "trace"))
	if err != nil {
		return nil, fmt.Errorf("per-CPU memory: %w", err)
	}
	pieces, err := parsePerCPU(string(text))
	if err != nil {
		return nil, err
	}
	now, err := monotonic()
	if err != nil {
		return nil, err
	}
	var sites []wire.Site
	at := map[string]int{}
	for _, piece := range pieces {
		made := cause.Span{Earliest: piece.made, Latest: piece.made}
		if !m.Counts(piece.stack, made, made) {
			continue
		}
		age := now - piece.made
		key := fmt.Sprint(piece.size, piece.stack)
		if i, seen := at[key]; seen { // pieces come in the order in which they were made
			sites[i].Count++
			sites[i].AgeMin = age
			continue
		}
		at[key] = len(sites)
		sites = append(sites, wire.Site{
			Cache: perCPUCache, Count: 1, Size: piece.size, Stack: piece.stack, AgeMin: age, AgeMax: age,
		})
	}
	return sites, nil
}

// piece is per-CPU memory that is alive.
type piece struct {
	made  time.Duration // on CLOCK_MONOTONIC
	size  int           // bytes on each CPU
	stack []wire.StackFrame
}

// parsePerCPU reads the trace, and returns what was allocated and not freed, in order of time.
//
//	# entries-in-buffer/entries-written: 3/3   #P:2
//	  insmod-83  [000] .....  3.141592: percpu_alloc_percpu: call_site=canary_leak+0x1e/0x40 [canary] ... size=8 ... ptr=00000000d1f2a358 bytes_alloc=8 ...
//	  insmod-83  [000] .....  3.141595: <stack trace>
//	 => canary_leak+0x1e/0x40 [canary]
//	  insmod-83  [000] .....  3.141600: percpu_free_percpu: base_addr=00000000f2a36000 off=856 ptr=00000000d1f2a358
func parsePerCPU(text string) ([]piece, error) {
	type entry struct {
		piece
		ptr string
	}
	var alive []*entry
	of := map[string]*entry{}         // the last piece at an address
	awaiting := map[string][]*entry{} // by task and CPU: the stack comes right after, but that of an interrupt between them
	var stackOf *entry
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if frame, ok := strings.CutPrefix(line, " => "); ok {
			if stackOf != nil && !strings.HasPrefix(frame, "trace_event_") { // the tracer itself
				stackOf.stack = append(stackOf.stack, parseFrame(frame))
			}
			continue
		}
		stackOf = nil
		if header, ok := strings.CutPrefix(line, "# entries-in-buffer/entries-written: "); ok {
			counts, _, _ := strings.Cut(header, " ")
			if kept, written, ok := strings.Cut(counts, "/"); !ok || kept != written {
				return nil, fmt.Errorf("%w: %s", ErrOverrun, line)
			}
			continue
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		who, rest, ok := strings.Cut(line, "] ")
		_, what, ok2 := strings.Cut(rest, ": ")
		if !ok || !ok2 {
			return nil, fmt.Errorf("%w: %q", ErrFormat, line)
		}
		name, values, _ := strings.Cut(what, ": ")
		switch name {
		case perCPUAlloc:
			e := &entry{ptr: value(values, "ptr")}
			var err error
			if e.made, err = stamp(rest); err != nil {
				return nil, fmt.Errorf("%w: time in %q", ErrFormat, line)
			}
			if e.size, err = strconv.Atoi(value(values, "size")); err != nil || e.ptr == "" {
				return nil, fmt.Errorf("%w: %q", ErrFormat, line)
			}
			alive = append(alive, e)
			of[e.ptr] = e
			awaiting[who] = append(awaiting[who], e)
		case perCPUFree:
			ptr := value(values, "ptr")
			if ptr == "" {
				return nil, fmt.Errorf("%w: %q", ErrFormat, line)
			}
			if e := of[ptr]; e != nil {
				e.ptr = "" // freed
				delete(of, ptr)
			}
		case "<stack trace>":
			if n := len(awaiting[who]); n > 0 {
				stackOf = awaiting[who][n-1]
				awaiting[who] = awaiting[who][:n-1]
			}
		}
	}
	var pieces []piece
	for _, e := range alive {
		if e.ptr != "" {
			pieces = append(pieces, e.piece)
		}
	}
	return pieces, nil
}

// value returns the value of a key in "key=value key=value".
func value(text, key string) string {
	for _, f := range strings.Fields(text) {
		if v, ok := strings.CutPrefix(f, key+"="); ok {
			return v
		}
	}
	return ""
}

// stamp reads the time in "..... 3.141592: event".
func stamp(text string) (time.Duration, error) {
	before, _, _ := strings.Cut(text, ": ")
	fields := strings.Fields(before)
	if len(fields) == 0 {
		return 0, ErrFormat
	}
	return time.ParseDuration(fields[len(fields)-1] + "s")
}
