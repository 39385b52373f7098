package main

import (
	"os"

	"github.com/spf13/cobra"

	"ktcp/harness/trace"
)

// traceCommand shows where a module's instructions go.
func traceCommand(code *int) *cobra.Command {
	var s trace.Spec
	c := &cobra.Command{
		Use:   "trace [flags] DIR",
		Short: "Show where the instructions of a module's requests go: calls of one request, flame graphs of loads",
		Long: `trace builds the module of a directory (as vet does: in a copy, in a cage) and looks at it on the clock of instructions,
on the kernel that KERNEL= and FLAVOR= name, twice:

  one request   what the module's functions call, by the kernel's tracer function_graph, with file:line: request.txt
  each load     a sample of the stacks every 100,003 instructions: folded stacks, and a flame graph as SVG in which the
                module's boxes have lines of source

The shares of a flame graph come from a timer of guest time, in whose samples the sampling itself is not; they are told as
parts of what a request took while nobody looked. What runs with interrupts off counts where it lets them in again.
Times of single calls in request.txt hold the tracer's own and are good for order and proportion only.

The files go to results/trace/<time>-<module>/, and results/trace/latest points there.

Exit codes: 0 there is something to see; 2 there is not.`,
		Example: `  go run . trace --as khttpd module/khttpd
  go run . trace --load ConnEach --depth 6 ~/my-khttpd`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if s.Root, err = projectRoot(); err != nil {
				return err
			}
			s.Dirs, s.Out, s.Progress = args, os.Stdout, os.Stderr
			s.Command = typed()
			*code, err = trace.Run(cmd.Context(), s)
			return err
		},
	}
	moduleFlags(c, &s.As, &s.Module, &s.Params, &s.Port)
	flags := c.Flags()
	flags.StringVar(&s.Load, "load", "", "only this load: KeepAlive, Pipelined16, ConnEach; EchoSize64, EchoSize4096 (default: all)")
	flags.IntVar(&s.Depth, "depth", 0, "how many calls deep one request is told (default: all)")
	return c
}
