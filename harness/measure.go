package harness

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ktcp/guest/wire"
	"ktcp/harness/figure"
	"ktcp/harness/vm"
)

// Which way a figure's numbers are good.
const (
	MoreIsBetter = figure.More
	LessIsBetter = figure.Less
	ToLookAt     = figure.Either // and not to be held to a reference
)

// benchDir is where tables are written, below the project's root.
const benchDir = "results/bench"

// Figure collects the numbers of one figure and writes them when the benchmark has ended well.
type Figure struct {
	tb    testing.TB
	dir   string
	table figure.Table
}

// NewFigure begins a table whose rows begin with the value of the first column. Names of columns say the unit: kecho_us.
func NewFigure(tb testing.TB, name, title string, better figure.Better, columns ...string) *Figure {
	tb.Helper()
	f := &Figure{tb: tb, table: figure.Table{
		Name: name, Title: title, Better: better, Columns: columns,
		Date: time.Now().UTC().Format(time.RFC3339), Command: command(tb.Name()),
	}}
	root, err := projectRoot()
	if err == nil {
		f.dir = filepath.Join(root, benchDir)
		err = f.table.Remove(f.dir)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(f.write)
	return f
}

// command measures a benchmark again.
func command(benchmark string) string {
	text := "make bench BENCH=" + benchmark
	for _, name := range []string{"KERNEL", FlavorVariable, ClockVariable} {
		if value := os.Getenv(name); value != "" {
			text += " " + name + "=" + value
		}
	}
	return text
}

// Anew forgets the rows: a benchmark that runs more than once keeps those of the last time.
func (f *Figure) Anew() { f.table.Rows = nil }

// Row adds a row that was measured in a guest. All rows must come from guests of one kind.
func (f *Figure) Row(g *Guest, values ...float64) {
	f.tb.Helper()
	s := g.setting()
	var modules []string
	for _, b := range g.built {
		modules = append(modules, b.Name+" "+b.ID[:min(12, len(b.ID))])
	}
	slices.Sort(modules)
	module := cmp.Or(strings.Join(modules, ", "), "none")
	if len(f.table.Rows) > 0 && (s != f.table.Setting || module != f.table.Module) {
		f.tb.Fatalf("figure %s: a row from %+v with %s among rows from %+v with %s", f.table.Name, s, module, f.table.Setting, f.table.Module)
	}
	f.table.Setting, f.table.Module = s, module
	f.table.Rows = append(f.table.Rows, values)
	if f.table.Columns[0] != "percent" { // those come all at once
		Logf("figure %s: %s %v", f.table.Name, strings.Join(f.table.Columns, " "), values)
	}
}

func (f *Figure) write() {
	if f.tb.Failed() || f.tb.Skipped() {
		return
	}
	if err := f.table.Write(f.dir); err != nil {
		f.tb.Errorf("%v", err)
	}
}

// settings are the kinds of guests that have been announced.
var settings sync.Map

// PrintSetting prints once, for each kind of guest, the lines that have benchstat keep numbers of different kinds apart.
func (g *Guest) PrintSetting() {
	s := g.setting()
	if _, said := settings.LoadOrStore(s, true); !said {
		fmt.Printf("kernel: %s\nflavor: %s\naccelerator: %s\nclock: %s\n", s.Kernel, s.Flavor, s.Accelerator, s.Clock)
	}
}

// OnInstructions reports whether the guest counts time in instructions: one takes a nanosecond.
func (g *Guest) OnInstructions() bool { return g.clock == vm.Instructions }

// Idle opens connections on which nothing is said, and returns when all of them are there.
func (n *Netns) Idle(addr string, conns int) *Load {
	n.g.tb.Helper()
	before := n.sockets()
	// An open load whose next request is due in a million years.
	l := n.StartLoad(wire.LoadRequest{
		Addr: addr, Protocol: wire.LoadEcho, Size: 1, Conns: conns, KeepAlive: true, Rate: 1e-13, Patience: time.Minute,
	})
	if err := await(loadDeadline, func() (bool, error) { return n.sockets() >= before+2*conns, nil }); err != nil {
		n.g.tb.Fatalf("%d idle connections to %s: %v", conns, addr, err)
	}
	return l
}

// sockets is how many TCP sockets the namespace has: two for each connection to itself.
func (n *Netns) sockets() int {
	n.g.tb.Helper()
	return n.g.number(n.ReadFile("/proc/net/sockstat"), "TCP: inuse ")
}

// MemoryInUse is how many bytes of the guest's memory cannot be had, at the moment.
func (g *Guest) MemoryInUse() int64 {
	g.tb.Helper()
	text := g.Init().ReadFile("/proc/meminfo")
	return int64(g.number(text, "MemTotal:")-g.number(text, "MemFree:")) << 10
}

// number returns the number behind a label.
func (g *Guest) number(text, label string) int {
	g.tb.Helper()
	_, rest, _ := strings.Cut(text, label)
	if words := strings.Fields(rest); len(words) > 0 {
		if n, err := strconv.Atoi(words[0]); err == nil {
			return n
		}
	}
	g.tb.Fatalf("no number behind %q in %q", label, text)
	return 0
}

// Uptime is the guest's time since boot, to ten milliseconds.
func (g *Guest) Uptime() time.Duration {
	g.tb.Helper()
	text := g.Init().ReadFile("/proc/uptime")
	first, _, _ := strings.Cut(text, " ")
	seconds, err := strconv.ParseFloat(first, 64)
	if err != nil {
		g.tb.Fatalf("no time in /proc/uptime: %q", text)
	}
	return time.Duration(seconds * float64(time.Second))
}

// Percentile is one point of a distribution of response times.
func Percentile(tb testing.TB, l wire.Latency, percent float64) time.Duration {
	tb.Helper()
	h, err := l.Histogram()
	if err != nil {
		tb.Fatal(err)
	}
	return time.Duration(h.ValueAtPercentile(percent))
}
