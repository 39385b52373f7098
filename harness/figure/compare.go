package figure

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
)

// ErrIncomparable is returned for tables that were not measured alike.
var ErrIncomparable = errors.New("cannot be compared")

// ErrNothing is returned where there is nothing to compare.
var ErrNothing = errors.New("nothing to compare")

// Change is a number that differs from its reference.
type Change struct {
	Table   string
	Column  string
	At      string // the row: "connections 32"
	Was, Is float64
	Worse   bool
}

// Percent is how much the number changed.
func (c Change) Percent() float64 { return (c.Is/c.Was - 1) * 100 }

// String says it in one line.
func (c Change) String() string {
	way := "better"
	if c.Worse {
		way = "WORSE"
	}
	return fmt.Sprintf("%s: %s at %s: %.6g, was %.6g: %+.2f %% (%s)", c.Table, c.Column, c.At, c.Is, c.Was, c.Percent(), way)
}

// same refuses settings that differ.
func same(name string, was, is Setting) error {
	for _, f := range []struct{ what, was, is string }{
		{"kernel", was.Kernel, is.Kernel}, {"flavor", was.Flavor, is.Flavor},
		{"accelerator", was.Accelerator, is.Accelerator}, {"clock", was.Clock, is.Clock},
	} {
		if f.was != f.is {
			return fmt.Errorf("%s: %w: the reference was measured with %s %s, this with %s",
				name, ErrIncomparable, f.what, f.was, f.is)
		}
	}
	return nil
}

// Compare returns the numbers that differ from the reference by more than tolerance, a part of 1. What the reference has must be
// there.
func Compare(reference, t *Table, tolerance float64) ([]Change, error) {
	if err := same(t.Name, reference.Setting, t.Setting); err != nil {
		return nil, err
	}
	if !slices.Equal(reference.Columns, t.Columns) || reference.Better != t.Better {
		return nil, fmt.Errorf("%s: %w: the reference has the columns %s (%s is better), this has %s (%s)", t.Name, ErrIncomparable,
			strings.Join(reference.Columns, " "), reference.Better, strings.Join(t.Columns, " "), t.Better)
	}
	if !slices.Equal(reference.Labels, t.Labels) {
		return nil, fmt.Errorf("%s: %w: the reference has the rows %s, this has %s", t.Name, ErrIncomparable,
			strings.Join(reference.Labels, " "), strings.Join(t.Labels, " "))
	}
	if t.Better == Either {
		return nil, fmt.Errorf("%s: %w: it is to be looked at, and no way of its numbers is better", t.Name, ErrIncomparable)
	}
	var changes []Change
	for _, was := range reference.Rows {
		i := slices.IndexFunc(t.Rows, func(r []float64) bool { return r[0] == was[0] })
		at := fmt.Sprintf("%s %g", t.Columns[0], was[0])
		if i < 0 {
			return nil, fmt.Errorf("%s: %w: %s was not measured", t.Name, ErrIncomparable, at)
		}
		for c := 1; c < len(was); c++ {
			is := t.Rows[i][c]
			if !(math.Abs(is-was[c]) <= tolerance*math.Abs(was[c])) {
				changes = append(changes, Change{
					Table: t.Name, Column: t.Columns[c], At: at, Was: was[c], Is: is, Worse: (is < was[c]) == (t.Better == More),
				})
			}
		}
	}
	return changes, nil
}

// Comparison is what came of comparing the tables of a directory with their references.
type Comparison struct {
	Compared []string // names of tables
	// Missing are those of which there is a reference, and that were not measured again.
	Missing []string
	// New are those that have no reference.
	New     []string
	Changes []Change
}

// CompareDirs compares the tables of a directory with those of the same names among the references. Tables to look at ([Either]) are
// passed over. Where nothing is left to compare that is an error.
func CompareDirs(references, dir string, tolerance float64) (c Comparison, err error) {
	reference, err := readDir(references)
	if err != nil {
		return c, err
	}
	measured, err := readDir(dir)
	if err != nil {
		return c, err
	}
	for _, name := range slices.Sorted(maps.Keys(measured)) {
		t := measured[name]
		was := reference[name]
		if was == nil {
			c.New = append(c.New, name)
			continue
		}
		changes, err := Compare(was, t, tolerance)
		if err != nil {
			return c, err
		}
		c.Compared = append(c.Compared, name)
		c.Changes = append(c.Changes, changes...)
	}
	for _, name := range slices.Sorted(maps.Keys(reference)) {
		if measured[name] == nil {
			c.Missing = append(c.Missing, name)
		}
	}
	if len(c.Compared) == 0 {
		return c, fmt.Errorf("%w: no table in %s has a reference in %s: run make bench first", ErrNothing, dir, references)
	}
	return c, nil
}

// readDir reads the tables of a directory that can be held to something.
func readDir(dir string) (map[string]*Table, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*"+Ext))
	if err != nil {
		return nil, fmt.Errorf("compare figures: %w", err)
	}
	tables := map[string]*Table{}
	for _, path := range paths {
		t, err := Read(path)
		if err != nil {
			return nil, err
		}
		if t.Better != Either {
			tables[t.Name] = t
		}
	}
	return tables, nil
}
