package trace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"ktcp/guest/wire"
)

// ErrNoTracer is returned by a kernel without function_graph.
var ErrNoTracer = errors.New("this kernel has no tracer function_graph (CONFIG_FUNCTION_GRAPH_TRACER)")

// ErrNoFunctions is returned for a module of which the kernel can trace nothing.
var ErrNoFunctions = errors.New("the kernel can trace none of its functions")

// Graph is the kernel's tracer function_graph.
type Graph struct {
	Dir string // where tracefs is mounted

	mu sync.Mutex
}

// bufferKiB is the room for what is noted, on each processor.
const bufferKiB = "32768"

// options are how function_graph prints: with the task, the time since boot and no interrupts, which would come in anywhere.
var options = []string{"funcgraph-proc", "funcgraph-abstime", "nofuncgraph-irqs", "funcgraph-tail", "nofuncgraph-overhead"}

// Start begins to note what the functions of a module call.
func (g *Graph) Start(req wire.GraphRequest) (wire.None, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	err := g.start(req)
	if err != nil {
		err = errors.Join(err, g.reset())
	}
	return wire.None{}, err
}

func (g *Graph) start(req wire.GraphRequest) error {
	tracers, err := os.ReadFile(filepath.Join(g.Dir, "available_tracers"))
	if err != nil || !strings.Contains(" "+strings.TrimSpace(string(tracers))+" ", " function_graph ") {
		return ErrNoTracer
	}
	all, err := os.ReadFile(filepath.Join(g.Dir, "available_filter_functions"))
	if err != nil {
		return fmt.Errorf("trace %s: %w", req.Module, err)
	}
	names := functions(string(all), req.Module)
	if len(names) == 0 {
		return fmt.Errorf("trace %s: %w", req.Module, ErrNoFunctions)
	}
	if err := g.set("tracing_on", "0"); err != nil {
		return err
	}
	// The ledger's notes of per-CPU memory are in the same buffer: they end here.
	if err := g.set("events/percpu/enable", "0"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, w := range [][2]string{
		{"buffer_size_kb", bufferKiB}, {"max_graph_depth", strconv.Itoa(req.Depth)}, {"set_graph_function", ""},
	} {
		if err := g.set(w[0], w[1]); err != nil {
			return err
		}
	}
	if err := g.add("set_graph_function", names); err != nil {
		return err
	}
	if err := g.set("current_tracer", "function_graph"); err != nil {
		return err
	}
	for _, o := range options {
		if err := g.set("trace_options", o); err != nil {
			return err
		}
	}
	return g.set("tracing_on", "1")
}

// Stop ends that and returns what was noted.
func (g *Graph) Stop(wire.None) (answer wire.GraphAnswer, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer func() { err = errors.Join(err, g.reset()) }()
	if err := g.set("tracing_on", "0"); err != nil {
		return answer, err
	}
	text, err := os.ReadFile(filepath.Join(g.Dir, "trace"))
	if err != nil {
		return answer, fmt.Errorf("read the trace: %w", err)
	}
	answer.Text = string(text)
	stats, err := filepath.Glob(filepath.Join(g.Dir, "per_cpu", "cpu*", "stats"))
	if err != nil {
		return answer, fmt.Errorf("read the trace's counts: %w", err)
	}
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			return answer, fmt.Errorf("read the trace's counts: %w", err)
		}
		answer.Lost += lost(string(text))
	}
	return answer, nil
}

// reset takes the tracer out of the kernel's functions again.
func (g *Graph) reset() error {
	return errors.Join(g.set("current_tracer", "nop"), g.set("set_graph_function", ""), g.set("max_graph_depth", "0"))
}

// set writes one of the files of tracefs as a shell's redirection would.
func (g *Graph) set(file, value string) error {
	if err := os.WriteFile(filepath.Join(g.Dir, file), []byte(value+"\n"), 0); err != nil {
		return fmt.Errorf("set %s of the tracer to %q: %w", file, value, err)
	}
	return nil
}

// add adds words to a file that takes one with each write.
func (g *Graph) add(file string, words []string) (err error) {
	f, err := os.OpenFile(filepath.Join(g.Dir, file), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("set %s of the tracer: %w", file, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for _, w := range words {
		if _, err := f.WriteString(w + "\n"); err != nil {
			return fmt.Errorf("add %s to %s of the tracer: %w", w, file, err)
		}
	}
	return nil
}

// functions returns the functions of a module, from the text of available_filter_functions: "ktcp_recv [khttpd]".
func functions(text, module string) (names []string) {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) == 2 && f[1] == "["+module+"]" {
			names = append(names, f[0])
		}
	}
	return names
}

// lostLine matches what was lost in the ring buffer's counts.
var lostLine = regexp.MustCompile(`(?m)^(?:overrun|commit overrun|dropped events): (\d+)$`)

func lost(stats string) (n int) {
	for _, m := range lostLine.FindAllStringSubmatch(stats, -1) {
		count, _ := strconv.Atoi(m[1]) // digits
		n += count
	}
	return n
}
