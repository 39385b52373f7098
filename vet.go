package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"ktcp/harness/kernel"
	"ktcp/harness/subject"
	"ktcp/harness/vet"
)

// vetCommand judges other people's modules.
func vetCommand(code *int) *cobra.Command {
	var s vet.Spec
	var claims []string
	canaries := true
	c := &cobra.Command{
		Use:   "vet [flags] DIR...",
		Short: "Judge anyone's modules: build each directory, run every scenario that applies, report each flaw",
		Long: `vet builds each directory in a copy (with its own Makefile or Kbuild; without network and without access to
anything else where this machine allows that), finds out what the module is unless told, runs every scenario that
applies in throw-away guests, and reports per module what was checked and what was found: the line of C, what clients
did, and the command that does it again.

Each module is judged on several kernels, --flavors: by default on the distribution's (stock) and on one with sanitizers,
lock validation and failing allocations (kasan). That one is built first where it is not in the cache, once, and says how
far it is. KERNEL= names another kernel. Before the first module, the detectors of each flavor are shown bugs that they
must see; where one misses its canary no verdict is valid, and the first line says so.

What a module does not claim to have (a parameter, a status file, HEAD) is "not offered". Crashes, leaks, hangs and
wrong bytes are flaws always. A broken module never stops the next one.

Each flaw comes with the command that does it again, which is to be typed as it stands: with KERNEL=, SEED= and what else the
scenario depended on.

Exit codes: 0 nothing found; 1 flaws; 2 a directory could not be judged, or a detector missed its canary.`,
		Example: `  go run . vet ~/my-khttpd
  go run . vet --as khttpd --root-param docroot --param debug=1 ~/my-khttpd
  go run . vet --flavors stock --run 'Role|Rmmod' ~/my-echo
  go run . vet --json ~/forks/*/ > grades.json`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if s.Root, err = projectRoot(); err != nil {
				return err
			}
			for _, f := range claims {
				s.Claims = append(s.Claims, subject.Feature(f))
			}
			s.Dirs, s.Out, s.Progress = args, os.Stdout, os.Stderr
			s.Command = typed()
			s.Kernel, s.NoCanaries = os.Getenv("KERNEL"), !canaries
			*code, err = vet.Run(cmd.Context(), s)
			return err
		},
	}
	moduleFlags(c, &s.As, &s.Module, &s.Params, &s.Port)
	flags := c.Flags()
	flags.StringVar(&s.RootParam, "root-param", "", "the parameter that names the directory to be served (default: WWWROOT, or found out)")
	flags.StringArrayVar(&claims, "claim", nil, "a feature to hold the module to, repeatable: statistics, validation, HEAD, keep-alive,\n"+
		"pipelining, conformance, files, half-close, linger, namespaces")
	flags.StringVar(&s.Flavors, "flavors", os.Getenv("FLAVOR"), "kernels to judge on: "+strings.Join(kernel.Flavors(), ", ")+
		" or all (default: FLAVOR=, or \""+kernel.DefaultFlavors+"\")")
	flags.BoolVar(&canaries, "canaries", true, "first show the detectors bugs that they must see")
	flags.StringVar(&s.Match, "run", "", "only the scenarios that match this regular expression")
	flags.BoolVar(&s.JSON, "json", false, "print the report as JSON")
	return c
}
