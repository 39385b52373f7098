package main

import (
	"context"
	"errors"
	"testing"

	"ktcp/harness/figure"
	"ktcp/harness/report"
)

// TestBenchCheck holds a table to its reference from the command line.
func TestBenchCheck(t *testing.T) {
	write := func(rate float64, clock string) string {
		t.Helper()
		dir := t.TempDir()
		table := figure.Table{
			Name: "rate", Title: "t", Module: "kecho 0", Date: "d", Command: "c", Better: figure.More,
			Setting: figure.Setting{Kernel: "6.1", Flavor: "stock", Accelerator: "tcg", Clock: clock},
			Columns: []string{"n", "kecho"}, Rows: [][]float64{{1, rate}},
		}
		if err := table.Write(dir); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	reference := write(1000, "instructions")
	for _, tt := range []struct {
		name string
		dir  string
		want int
		err  error
	}{
		{"the same", write(1000, "instructions"), report.ExitClean, nil},
		{"1 % slower", write(990, "instructions"), report.ExitClean, nil},
		{"3 % slower", write(970, "instructions"), report.ExitFindings, nil},
		{"3 % faster", write(1030, "instructions"), report.ExitClean, nil},
		{"another clock", write(1000, "realtime"), report.ExitClean, figure.ErrIncomparable},
		{"nothing", t.TempDir(), report.ExitClean, figure.ErrNothing},
	} {
		code := report.ExitClean
		c := command(&code)
		c.SetArgs([]string{"bench-check", "--reference", reference, tt.dir})
		if err := c.ExecuteContext(context.Background()); !errors.Is(err, tt.err) || code != tt.want {
			t.Errorf("%s: exit code %d, %v, want %d, %v", tt.name, code, err, tt.want, tt.err)
		}
	}
}
