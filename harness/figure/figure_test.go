package figure

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func table() *Table {
	return &Table{
		Name: "rate", Title: "requests a second", Module: "kecho 0123abcd", Date: "2026-11-25", Command: "make bench",
		Setting: Setting{Kernel: "6.1.0", Flavor: "stock", Accelerator: "tcg", Clock: "instructions"},
		Better:  More, Columns: []string{"connections", "kecho", "twin"}, Rows: [][]float64{{1, 1000, 900.5}, {2, 2000, 1800}},
	}
}

func TestRoundTrip(t *testing.T) {
	dir, want := t.TempDir(), table()
	if err := want.Write(dir); err != nil {
		t.Fatal(err)
	}
	got, err := Read(filepath.Join(dir, "rate.dat"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestLabels(t *testing.T) {
	dir, want := t.TempDir(), table()
	want.Labels, want.Rows[0][0], want.Rows[1][0] = []string{"ledger", "kernel-log"}, 0, 1
	if err := want.Write(dir); err != nil {
		t.Fatal(err)
	}
	got, err := Read(filepath.Join(dir, "rate.dat"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	other := table()
	other.Labels = []string{"ledger", "rmmod"}
	if _, err := Compare(want, other, 0.02); !errors.Is(err, ErrIncomparable) {
		t.Errorf("other rows: %v, want %v", err, ErrIncomparable)
	}
}

func TestCompare(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Table)
		want   string // of the changes, or of the error
		err    error
	}{
		{"nothing", func(*Table) {}, "", nil},
		{"within", func(x *Table) { x.Rows[0][1] = 985 }, "", nil},
		{"slower", func(x *Table) { x.Rows[1][2] = 1700 }, "rate: twin at connections 2: 1700, was 1800: -5.56 % (WORSE)", nil},
		{"faster", func(x *Table) { x.Rows[0][1] = 1030 }, "rate: kecho at connections 1: 1030, was 1000: +3.00 % (better)", nil},
		{"kernel", func(x *Table) { x.Kernel = "6.12.0" }, "with kernel 6.1.0, this with 6.12.0", ErrIncomparable},
		{"flavor", func(x *Table) { x.Flavor = "kasan" }, "flavor stock", ErrIncomparable},
		{"accelerator", func(x *Table) { x.Accelerator = "kvm" }, "accelerator tcg", ErrIncomparable},
		{"clock", func(x *Table) { x.Clock = "realtime" }, "clock instructions", ErrIncomparable},
		{"columns", func(x *Table) { x.Columns[1] = "kweb" }, "columns", ErrIncomparable},
		{"rows", func(x *Table) { x.Rows = x.Rows[:1] }, "connections 2 was not measured", ErrIncomparable},
	} {
		x := table()
		x.Columns = append([]string{}, x.Columns...)
		tt.change(x)
		changes, err := Compare(table(), x, 0.02)
		var got []string
		for _, c := range changes {
			got = append(got, c.String())
		}
		if !errors.Is(err, tt.err) || (err == nil && strings.Join(got, "\n") != tt.want) || (err != nil && !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %q, %v, want %q, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

func TestCompareDirs(t *testing.T) {
	references, dir := t.TempDir(), t.TempDir()
	if _, err := CompareDirs(references, dir, 0.02); !errors.Is(err, ErrNothing) {
		t.Errorf("empty directories: %v, want %v", err, ErrNothing)
	}
	if err := table().Write(references); err != nil {
		t.Fatal(err)
	}
	x := table()
	x.Rows[0][1] = 1
	if err := x.Write(dir); err != nil {
		t.Fatal(err)
	}
	for name, where := range map[string]string{"old": references, "new": dir} {
		y := table()
		y.Name = name
		if err := y.Write(where); err != nil {
			t.Fatal(err)
		}
	}
	c, err := CompareDirs(references, dir, 0.02)
	if err != nil || len(c.Changes) != 1 || !c.Changes[0].Worse {
		t.Errorf("changes %v, %v, want one for the worse", c.Changes, err)
	}
	if got, want := fmt.Sprint(c.Compared, c.Missing, c.New), "[rate] [old] [new]"; got != want {
		t.Errorf("compared, missing and new: %s, want %s", got, want)
	}
	if err := os.WriteFile(filepath.Join(dir, "rate.dat"), []byte("# kernel: 6.1\na b\n1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := CompareDirs(references, dir, 0.02); err == nil {
		t.Error("no error for a table that is broken")
	}
}

// Tables to look at are held to nothing: alone they are no pass.
func TestNothingIsNoPass(t *testing.T) {
	references, dir := t.TempDir(), t.TempDir()
	x := table()
	x.Better = Either
	for _, d := range []string{references, dir} {
		if err := x.Write(d); err != nil {
			t.Fatal(err)
		}
	}
	if c, err := CompareDirs(references, dir, 0.02); !errors.Is(err, ErrNothing) {
		t.Errorf("%+v, %v, want %v", c, err, ErrNothing)
	}
	if changes, err := Compare(x, x, 0.02); !errors.Is(err, ErrIncomparable) {
		t.Errorf("%v, %v, want %v", changes, err, ErrIncomparable)
	}
}

func TestRemove(t *testing.T) {
	dir, x := t.TempDir(), table()
	if err := x.Write(dir); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what is not there needs no removal
		if err := x.Remove(dir); err != nil {
			t.Fatal(err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestWriteRefusesNonsense(t *testing.T) {
	for name, change := range map[string]func(*Table){
		"no clock": func(x *Table) { x.Clock = "" },
		"no rows":  func(x *Table) { x.Rows = nil },
		"a row":    func(x *Table) { x.Rows[0] = x.Rows[0][:1] },
		"a column": func(x *Table) { x.Columns[1] = "two words" },
		"labels":   func(x *Table) { x.Labels = []string{"one"} },
		"a label":  func(x *Table) { x.Labels = []string{"two words", "word"}; x.Rows[0][0], x.Rows[1][0] = 0, 1 },
		"a number": func(x *Table) { x.Labels = []string{"7", "word"}; x.Rows[0][0], x.Rows[1][0] = 0, 1 },
		"better":   func(x *Table) { x.Better = "" },
		"NaN":      func(x *Table) { x.Rows[0][1] = math.NaN() },
		"infinity": func(x *Table) { x.Rows[0][1] = math.Inf(1) },
	} {
		x := table()
		change(x)
		if err := x.Write(t.TempDir()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
