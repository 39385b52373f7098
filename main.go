// Command ktcp judges Linux kernel modules that serve TCP. The work is done in harness/; this is its command line.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"ktcp/harness/cache"
	"ktcp/harness/check"
	"ktcp/harness/kernel"
	"ktcp/harness/report"
)

func main() { os.Exit(run()) }

// run runs the command line and returns the exit code.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	code := report.ExitClean
	if err := command(&code).ExecuteContext(ctx); err != nil {
		if errors.Is(err, context.Canceled) {
			err = errors.New("interrupted") // rather than what was being done at that moment
		}
		fmt.Fprintln(os.Stderr, "ktcp:", err)
		code = max(code, report.ExitInvalid)
	}
	return code
}

// command builds the command line. A command that has a verdict puts its exit code into code.
func command(code *int) *cobra.Command {
	root := &cobra.Command{
		Use:   "ktcp",
		Short: "Judge Linux kernel modules that serve TCP, in throw-away guests",
		Long: `ktcp builds kernel modules, boots a guest, loads them, uses and abuses them, unloads them, and says
what is wrong with them, down to the line of C.

Exit codes: 0 nothing found; 1 findings; 2 the run proves nothing (it could not be done, or not to its end).`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(checkCommand(code), reportCommand(code), kernelsCommand(), loadCommand(code), vetCommand(code))
	root.AddCommand(benchCommand(code), benchCheckCommand(code), traceCommand(code))
	return root
}

func checkCommand(code *int) *cobra.Command {
	var match, flavors string
	var count int
	var fresh bool
	c := &cobra.Command{
		Use:   "check",
		Short: "Run the scenarios against the modules of this tree and print the verdict",
		Long: "Run the scenarios against the modules of this tree and print the verdict.\n\n" +
			"A scenario that has passed within a week is not run again as long as nothing has changed of what it is made of: the modules that it loads,\n" +
			"the scenarios' code and the harness, the kernel, QEMU, the programs in the guest. The verdict counts such scenarios and says when each\n" +
			"passed. The canaries run every time, and so does what chance has a part in: all of kcsan, and scenarios with a SEED. --fresh runs everything.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if count < 1 {
				return fmt.Errorf("--count %d: each scenario has to run once at least", count)
			}
			root, err := projectRoot()
			if err != nil {
				return err
			}
			*code, err = check.Run(cmd.Context(), check.Spec{
				Root: root, Match: match, Flavors: flavors, Kernel: os.Getenv("KERNEL"), Count: count, Fresh: fresh, Out: os.Stdout,
			})
			return err
		},
	}
	c.Flags().StringVar(&match, "run", "", "only the scenarios that match this regular expression")
	c.Flags().IntVar(&count, "count", 1, "run each scenario so often; what is rare shows")
	c.Flags().BoolVar(&fresh, "fresh", false, "run also what passed before and has not changed since")
	c.Flags().StringVar(&flavors, "flavors", "", "kernels to run them on: "+strings.Join(kernel.Flavors(), ", ")+" or all (default \""+kernel.DefaultFlavors+"\")")
	return c
}

func reportCommand(code *int) *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "report [DIR]",
		Short: "Show a run again, the last or that of a directory: its verdict table, or its findings in another form",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				root, err := projectRoot()
				if err != nil {
					return err
				}
				args = []string{report.Config{Root: root}.Latest()}
			}
			run, err := report.Load(args[0])
			if err != nil {
				return err
			}
			*code = run.ExitCode()
			return report.Write(os.Stdout, run, report.Format(format))
		},
	}
	c.Flags().StringVar(&format, "format", "text", "text, json, ktap, github or markdown")
	return c
}

func kernelsCommand() *cobra.Command {
	list := &cobra.Command{
		Use:   "kernels",
		Short: "List the kernels that are in the cache and those that can be had, or get one",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := cache.Open()
			if err != nil {
				return err
			}
			list, err := kernel.List(cmd.Context(), dir)
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
			for _, k := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\n", k.Release, k.Flavor, k.State())
			}
			return w.Flush()
		},
	}
	list.AddCommand(&cobra.Command{
		Use:   "get [FLAVOR...]",
		Short: "Fetch or build the kernel that KERNEL= names, in these flavors, so that tests find it in the cache",
		RunE: func(cmd *cobra.Command, flavors []string) error {
			if len(flavors) == 0 {
				flavors = []string{kernel.Stock}
			}
			for _, flavor := range flavors {
				if err := check.Provision(cmd.Context(), os.Getenv("KERNEL"), flavor); err != nil {
					return err
				}
			}
			return nil
		},
	})
	return list
}

// projectRoot is the directory with ktcp's go.mod at or above the working directory.
func projectRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "scenarios")); err == nil {
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				return dir, nil
			}
		}
		if filepath.Dir(dir) == dir {
			return "", fmt.Errorf("no ktcp tree at or above the working directory: run this inside a checkout")
		}
		dir = filepath.Dir(dir)
	}
}
