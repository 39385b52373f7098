package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"ktcp/harness/figure"
	"ktcp/harness/report"
)

// benchCheckCommand holds what was measured against the reference.
func benchCheckCommand(code *int) *cobra.Command {
	var percent float64
	var references string
	c := &cobra.Command{
		Use:   "bench-check [DIR]",
		Short: "Compare what make bench measured with the committed reference",
		Long: `bench-check compares the tables in DIR (default results/bench) with those of the same names in the reference.

Numbers of different kernels, flavors, accelerators or clocks are not compared: that is an error. Tables that are there to be looked
at, as that of response times, are passed over; what has a reference and was not measured again is named.

Exit codes: 0 nothing is worse by more than the tolerance; 1 something is; 2 they cannot be compared.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			root, err := projectRoot()
			if err != nil {
				return err
			}
			dir := filepath.Join(root, "results", "bench")
			if len(args) == 1 {
				dir = args[0]
			}
			if references == "" {
				references = filepath.Join(root, "results", "reference")
			}
			result, err := figure.CompareDirs(references, dir, percent/100)
			if err != nil {
				return fmt.Errorf("bench-check: %w", err)
			}
			for _, note := range []struct {
				what  string
				names []string
			}{
				{"not measured again, and so not compared", result.Missing},
				{"not compared, as the reference has none of them", result.New},
			} {
				if len(note.names) > 0 {
					fmt.Fprintf(os.Stdout, "%s: %s\n", note.what, strings.Join(note.names, ", "))
				}
			}
			worse := 0
			for _, c := range result.Changes {
				fmt.Fprintln(os.Stdout, c)
				if c.Worse {
					worse++
				}
			}
			names := strings.Join(result.Compared, ", ")
			if worse > 0 {
				*code = report.ExitFindings
				fmt.Fprintf(os.Stdout, "FAIL: %d numbers are worse than the reference by more than %g %% (compared: %s)\n", worse, percent, names)
				return nil
			}
			fmt.Fprintf(os.Stdout, "pass: nothing is worse than the reference by more than %g %% (compared: %s)\n", percent, names)
			return nil
		},
	}
	c.Flags().Float64Var(&percent, "percent", 2, "how much worse is still well")
	c.Flags().StringVar(&references, "reference", "", "directory of the reference (default results/reference)")
	return c
}
