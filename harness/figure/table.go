package figure

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Ext is that of files.
const Ext = ".dat"

// Setting is what two tables must have in common for their numbers to be compared.
type Setting struct {
	Kernel      string // release
	Flavor      string
	Accelerator string
	Clock       string
}

// Better says which way is good.
type Better string

// Which way is good.
const (
	More   Better = "more"
	Less   Better = "less"
	Either Better = "either" // numbers to look at, not to be held to
)

// Table is one table: each row begins with the value of the first column, of which the others depend.
type Table struct {
	Name   string // of the file, without [Ext], and of the benchmark
	Title  string
	Module string // which builds were measured
	Setting
	Date    string
	Command string
	Better  Better
	Columns []string // without blanks
	Rows    [][]float64
	// Labels, where there are any, stand for the first column's values, which are 0, 1, 2 and so on then.
	Labels []string
}

// fields are the header's, in order.
func (t *Table) fields() []struct {
	name  string
	value *string
} {
	return []struct {
		name  string
		value *string
	}{
		{"title", &t.Title}, {"module", &t.Module}, {"kernel", &t.Kernel}, {"flavor", &t.Flavor},
		{"accelerator", &t.Accelerator}, {"clock", &t.Clock}, {"date", &t.Date}, {"command", &t.Command},
		{"better", (*string)(&t.Better)},
	}
}

// validate reports what would not be read back.
func (t *Table) validate() error {
	for _, f := range t.fields() {
		if strings.TrimSpace(*f.value) != *f.value || *f.value == "" || strings.ContainsAny(*f.value, "\r\n") {
			return fmt.Errorf("figure %s: %s is %q, want one line", t.Name, f.name, *f.value)
		}
	}
	if len(t.Columns) < 2 || len(t.Rows) == 0 {
		return fmt.Errorf("figure %s: %d columns and %d rows: nothing was measured", t.Name, len(t.Columns), len(t.Rows))
	}
	for _, c := range t.Columns {
		if c == "" || strings.ContainsAny(c, " \t\"\r\n") {
			return fmt.Errorf("figure %s: column %q: want a word", t.Name, c)
		}
	}
	for _, row := range t.Rows {
		if len(row) != len(t.Columns) {
			return fmt.Errorf("figure %s: a row of %d numbers in %d columns", t.Name, len(row), len(t.Columns))
		}
		for i, v := range row {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("figure %s: %s is %g: nothing was measured", t.Name, t.Columns[i], v)
			}
		}
	}
	if t.Labels != nil && len(t.Labels) != len(t.Rows) {
		return fmt.Errorf("figure %s: %d labels of %d rows", t.Name, len(t.Labels), len(t.Rows))
	}
	for i, l := range t.Labels {
		if _, err := strconv.ParseFloat(l, 64); err == nil || l == "" || strings.ContainsAny(l, "# \t\"\r\n") || t.Rows[i][0] != float64(i) {
			return fmt.Errorf("figure %s: label %q of row %d, which begins with %g: want a word and %d", t.Name, l, i, t.Rows[i][0], i)
		}
	}
	switch t.Better {
	case More, Less, Either:
		return nil
	}
	return fmt.Errorf("figure %s: better is %q, want %s, %s or %s", t.Name, t.Better, More, Less, Either)
}

// Write writes the table into dir. The columns' names are the first line that is not a comment, as gnuplot's columnheader wants
// it.
func (t *Table) Write(dir string) error {
	if err := t.validate(); err != nil {
		return err
	}
	var b strings.Builder
	for _, f := range t.fields() {
		fmt.Fprintf(&b, "# %s: %s\n", f.name, *f.value)
	}
	b.WriteString(strings.Join(t.Columns, "\t") + "\n")
	for n, row := range t.Rows {
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = strconv.FormatFloat(v, 'f', -1, 64)
		}
		if t.Labels != nil {
			cells[0] = t.Labels[n]
		}
		b.WriteString(strings.Join(cells, "\t") + "\n")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("figure %s: %w", t.Name, err)
	}
	path := filepath.Join(dir, t.Name+Ext)
	if err := os.WriteFile(path+".new", []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("figure %s: %w", t.Name, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("figure %s: %w", t.Name, err)
	}
	return nil
}

// Remove forgets what an earlier run wrote: a benchmark that fails must not leave the numbers of the last one that did not.
func (t *Table) Remove(dir string) error {
	if err := os.Remove(filepath.Join(dir, t.Name+Ext)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("figure %s: %w", t.Name, err)
	}
	return nil
}

// Read reads a table.
func Read(path string) (*Table, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read figure: %w", err)
	}
	defer file.Close()
	t := &Table{Name: strings.TrimSuffix(filepath.Base(path), Ext)}
	in := bufio.NewScanner(file)
	for n := 1; in.Scan(); n++ {
		if err := t.line(in.Text()); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("read figure: %w", err)
	}
	return t, t.validate()
}

// line reads one.
func (t *Table) line(text string) error {
	if header, ok := strings.CutPrefix(text, "# "); ok {
		name, value, _ := strings.Cut(header, ": ")
		for _, f := range t.fields() {
			if f.name == name {
				*f.value = value
				return nil
			}
		}
		return fmt.Errorf("unknown header %q", name)
	}
	words := strings.Fields(text)
	if t.Columns == nil {
		t.Columns = words
		return nil
	}
	if len(words) != len(t.Columns) {
		return errors.New("not as many numbers as columns")
	}
	row := make([]float64, len(words))
	for i, w := range words {
		var err error
		row[i], err = strconv.ParseFloat(w, 64)
		if err != nil && i == 0 {
			row[0], err = float64(len(t.Rows)), nil
			t.Labels = append(t.Labels, w)
		}
		if err != nil {
			return fmt.Errorf("%q is not a number", w)
		}
	}
	t.Rows = append(t.Rows, row)
	return nil
}
