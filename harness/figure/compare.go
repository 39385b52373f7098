package figure

import (
	"errors"
	"fmt"
	"math"
	"os"
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
	if !slices.Equal(reference.Labels, t.Labels) && t.Better != Either {
		return nil, fmt.Errorf("%s: %w: the reference has the rows %s, this has %s", t.Name, ErrIncomparable,
			strings.Join(reference.Labels, " "), strings.Join(t.Labels, " "))
	}
	if t.Better == Either {
		return nil, nil
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

// CompareDirs compares the tables of a directory with those of the same names among the references, and returns their names too. A
// reference that was not measured again is no error, unless none was.
func CompareDirs(references, dir string, tolerance float64) (compared []string, changes []Change, err error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*"+Ext))
	if err != nil {
		return nil, nil, fmt.Errorf("compare figures: %w", err)
	}
	for _, path := range paths {
		t, err := Read(path)
		if err != nil {
			return nil, nil, err
		}
		reference, err := Read(filepath.Join(references, filepath.Base(path)))
		if errors.Is(err, os.ErrNotExist) {
			continue // a figure that is new
		}
		if err != nil {
			return nil, nil, err
		}
		c, err := Compare(reference, t, tolerance)
		if err != nil {
			return nil, nil, err
		}
		compared = append(compared, t.Name)
		changes = append(changes, c...)
	}
	if len(compared) == 0 {
		return nil, nil, fmt.Errorf("%w: no table in %s has a reference in %s: run make bench first", ErrNothing, dir, references)
	}
	return compared, changes, nil
}
