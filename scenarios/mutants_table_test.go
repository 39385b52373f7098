package scenarios

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ktcp/harness"
	"ktcp/harness/figure"
)

// Where the results go. make mutants sets both for all mutants on the default kernel; another kernel has a table of its own, and
// no figure.
const (
	mutantTableVariable  = "MUTANTS_TABLE"  // a file, for the table in Markdown
	mutantFigureVariable = "MUTANTS_FIGURE" // a directory, for the data of the figure
)

// mutantTable gathers what became of the mutants.
type mutantTable struct {
	mu   sync.Mutex
	rows []mutantRow
}

type mutantRow struct {
	mutant
	by   string
	ok   bool
	took time.Duration
	on   []harness.GuestKind
}

func (t *mutantTable) add(m mutant, by string, ok bool, took time.Duration, on []harness.GuestKind) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = append(t.rows, mutantRow{m, by, ok, took, on})
}

// fate is the word for what became of a mutant.
func (r mutantRow) fate() string {
	switch {
	case r.ok:
		return "killed"
	case r.by != "":
		return "noticed by another"
	}
	return "survived"
}

// write writes the table and the data of its figure, where they were asked for.
func (t *mutantTable) write(tb testing.TB) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if file := os.Getenv(mutantTableVariable); file != "" {
		if err := os.WriteFile(file, []byte(t.markdown()), 0o644); err != nil {
			tb.Errorf("write the table of mutants: %v", err)
		}
	}
	if dir := os.Getenv(mutantFigureVariable); dir != "" {
		if err := t.figure().Write(dir); err != nil {
			tb.Errorf("write the figure of mutants: %v", err)
		}
	}
}

func (t *mutantTable) markdown() string {
	slices.SortFunc(t.rows, func(a, b mutantRow) int { return strings.Compare(a.name, b.name) })
	killed := 0
	var rows strings.Builder
	for _, r := range t.rows {
		if r.ok {
			killed++
		}
		fmt.Fprintf(&rows, "| %s | %s | %s | %s | %s | %.0f s |\n", r.name, r.title, r.flavor, r.fate(), r.by, r.took.Seconds())
	}
	s := t.setting()
	return fmt.Sprintf("# Mutants\n\n%d bugs that people really write, each a patch in `scenarios/testdata/mutants`; %d killed. "+
		"Made by `make mutants` on %s (%s). Time is from source to verdict, %s at once.\n\n"+
		"| mutant | what is wrong | flavor | fate | by | time |\n|---|---|---|---|---|---|\n%s",
		len(t.rows), killed, s.Kernel, s.Accelerator, flag.Lookup("test.parallel").Value, rows.String())
}

// setting is where the mutants ran: several kernels, separated by commas.
func (t *mutantTable) setting() figure.Setting {
	on := map[string][]string{}
	note := func(what, value string) {
		if value != "" && !slices.Contains(on[what], value) {
			on[what] = append(on[what], value)
		}
	}
	for _, r := range t.rows {
		note("flavor", r.flavor)
		for _, g := range r.on {
			note("kernel", g.Kernel)
			note("accelerator", g.Accelerator)
			note("clock", g.Clock)
		}
	}
	all := func(what string) string {
		slices.Sort(on[what])
		return cmp.Or(strings.Join(on[what], ", "), "unknown")
	}
	return figure.Setting{Kernel: all("kernel"), Flavor: all("flavor"), Accelerator: all("accelerator"), Clock: all("clock")}
}

// nobody stands in the figure for who noticed a mutant that survived.
const nobody = "nobody"

// noticedBy is the oracle that noticed the mutant, "scenario" for an expectation of the scenario itself.
func (r mutantRow) noticedBy() string {
	if !r.ok {
		return nobody
	}
	oracle, _, _ := strings.Cut(r.by, "/")
	return oracle
}

// figure counts the mutants that each oracle noticed, on the stock kernel and on one with sanitizers, most first.
func (t *mutantTable) figure() *figure.Table {
	counts := map[string]*[2]float64{}
	for _, r := range t.rows {
		by := r.noticedBy()
		if counts[by] == nil {
			counts[by] = &[2]float64{}
		}
		column := 0
		if r.flavor != "stock" {
			column = 1
		}
		counts[by][column]++
	}
	f := &figure.Table{
		Name: "mutants", Title: "Bugs that people really write, by the oracle that notices them", Better: figure.Either,
		Module: fmt.Sprintf("%d mutants", len(t.rows)), Date: time.Now().UTC().Format(time.RFC3339), Command: "make mutants",
		Setting: t.setting(),
		Columns: []string{"oracle", "stock", "sanitizers"},
	}
	for by := range counts {
		f.Labels = append(f.Labels, by)
	}
	slices.SortFunc(f.Labels, func(a, b string) int {
		x, y := counts[a], counts[b]
		return cmp.Or(cmp.Compare(y[0]+y[1], x[0]+x[1]), cmp.Compare(a, b))
	})
	for i, by := range f.Labels {
		f.Rows = append(f.Rows, []float64{float64(i), counts[by][0], counts[by][1]})
	}
	return f
}

// The figure counts every mutant once, under who noticed it.
func TestMutantsFigure(t *testing.T) {
	table := &mutantTable{}
	add := func(flavor, by string, ok bool) {
		table.add(mutant{flavor: flavor}, by, ok, time.Second, []harness.GuestKind{{Kernel: "6.1", Accelerator: "tcg", Clock: "realtime"}})
	}
	add("stock", "ledger/leak", true)
	add("kasan", "kernel-log/kasan", true)
	add("stock", "kernel-log/oops", true)
	add("stock", "scenario", true)
	add("stock", "wire/wire", false)
	f := table.figure()
	if err := f.Write(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(f.Labels, f.Rows, " "+f.Flavor)
	const want = "[kernel-log ledger nobody scenario] [[0 1 1] [1 1 0] [2 1 0] [3 1 0]] kasan, stock"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
