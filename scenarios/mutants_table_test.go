package scenarios

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// mutantTableVariable names the file that the table of mutants is written to: results/mutants.md by make mutants.
const mutantTableVariable = "MUTANTS_TABLE"

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
}

func (t *mutantTable) add(m mutant, by string, ok bool, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = append(t.rows, mutantRow{m, by, ok, took})
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

// write writes the table as Markdown, where one was asked for.
func (t *mutantTable) write(tb testing.TB) {
	file := os.Getenv(mutantTableVariable)
	if file == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.SortFunc(t.rows, func(a, b mutantRow) int { return strings.Compare(a.name, b.name) })
	killed := 0
	var rows strings.Builder
	for _, r := range t.rows {
		if r.ok {
			killed++
		}
		fmt.Fprintf(&rows, "| %s | %s | %s | %s | %s | %.0f s |\n", r.name, r.title, r.flavor, r.fate(), r.by, r.took.Seconds())
	}
	text := fmt.Sprintf("# Mutants\n\n%d bugs that people really write, each a patch in `scenarios/testdata/mutants`; %d killed. "+
		"Made by `make mutants`. Time is from source to verdict, two at once.\n\n"+
		"| mutant | what is wrong | kernel | fate | by | time |\n|---|---|---|---|---|---|\n%s", len(t.rows), killed, rows.String())
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		tb.Errorf("write the table of mutants: %v", err)
	}
}
