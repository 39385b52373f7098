package main

import (
	"os"

	"github.com/spf13/cobra"

	"ktcp/harness/versus"
)

// benchCommand compares the speed of two modules.
func benchCommand(code *int) *cobra.Command {
	var s versus.Spec
	c := &cobra.Command{
		Use:   "bench [flags] DIR DIR",
		Short: "Compare the speed of two modules of the same role, in one run, on the clock of instructions",
		Long: `bench builds the modules of two directories (as vet does: in a copy, in a cage) and measures both under the loads of
the benchmarks: for HTTP kept connections, 16 requests pipelined and a connection each; for echo round trips of 64 and
of 4096 bytes; 32 clients always. Each round measures both in turn, each in a fresh clone of the same template, on the
kernel that KERNEL= and FLAVOR= name. Every answer is checked.

Time is counted in instructions, so that what is compared is code and not how busy the machine was; caches and branch
prediction do not exist on this clock. Two runs are never compared with each other: measure both modules in one.

The raw numbers go to results/runs/<time>/bench-A.txt and bench-B.txt, for benchstat.

Exit codes: 0 both were measured, whichever is faster; 1 one answered a load badly, or has a flaw; 2 nothing is proven.`,
		Example: `  go run . bench module/khttpd ~/other-checkout/module/khttpd
  go run . bench --as khttpd --param port=8080 ~/fork-1 ~/fork-2
  KERNEL=6.12 go run . bench --rounds 10 module/kecho ~/my-echo`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if s.Root, err = projectRoot(); err != nil {
				return err
			}
			s.Dirs, s.Out, s.Progress = args, os.Stdout, os.Stderr
			s.Command = typed()
			*code, err = versus.Run(cmd.Context(), s)
			return err
		},
	}
	moduleFlags(c, &s.As, &s.Module, &s.Params, &s.Port)
	flags := c.Flags()
	flags.IntVar(&s.Rounds, "rounds", versus.DefaultRounds, "how often both are measured")
	return c
}
