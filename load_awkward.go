package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ktcp/guest/load"
	"ktcp/guest/load/awkward"
	"ktcp/guest/wire"
)

// loadAwkwardCommand runs impolite clients.
func loadAwkwardCommand(code *int) *cobra.Command {
	var req wire.LoadRequest
	var manner, send, expect string
	names := make([]string, len(wire.Manners))
	for i, m := range wire.Manners {
		names[i] = string(m)
	}
	c := &cobra.Command{
		Use:   "awkward [flags] HOST:PORT",
		Short: "Annoy a server with slow, silent, vanishing or resetting clients",
		Long: `awkward runs clients that are impolite on purpose. A server may refuse or close them; it must not crash, and must not
let its other clients wait for them: run a polite load beside it.`,
		Example: `  go run . load awkward --manner slow-sender -c 500 -d 10s 127.0.0.1:8081
  go run . load awkward --manner stormer -n 100000 127.0.0.1:8081`,
		Args: oneAddress,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			req.Manner, req.Expect = wire.Manner(manner), []byte(expect)
			if req.Send, err = unescape(send); err != nil {
				return err
			}
			if req.Addr, err = resolve(cmd.Context(), args[0]); err != nil {
				return err
			}
			if req.Requests == 0 && req.Duration == 0 {
				req.Duration = 10 * time.Second
			}
			p := progress(cmd, req.Requests, req.Duration)
			spec := awkward.Spec{LoadRequest: req, Answered: &p.Answered}
			if err := awkward.Check(spec); err != nil {
				return err
			}
			if err := load.Reach(cmd.Context(), req.Addr, req.Patience); err != nil {
				return err
			}
			stop := p.Start()
			result, err := awkward.Run(cmd.Context(), spec)
			stop()
			if err != nil {
				return err
			}
			*code, err = summarize(cmd, result)
			return err
		},
	}
	flags := c.Flags()
	flags.StringVarP(&manner, "manner", "m", string(wire.SlowSender), "one of "+strings.Join(names, ", "))
	flags.IntVarP(&req.Conns, "connections", "c", 32, "clients")
	flags.IntVarP(&req.Requests, "requests", "n", 0, "attempts in all (default: as many as fit into the duration)")
	flags.DurationVarP(&req.Duration, "duration", "d", 0, "how long to go on (default 10s, unless a number is given)")
	flags.DurationVar(&req.Pace, "pace", 10*time.Millisecond, "time between two bytes")
	flags.DurationVar(&req.Patience, "timeout", 5*time.Second, "how long a client waits for progress")
	flags.StringVar(&send, "send", `GET / HTTP/1.0\r\n\r\n`, `what a client sends, with \r, \n and \xNN`)
	flags.StringVar(&expect, "expect", "", "the exact answer (default: all until the server closes)")
	return c
}

// unescape reads escapes as Go does.
func unescape(text string) ([]byte, error) {
	s, err := strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`)
	if err != nil {
		return nil, fmt.Errorf("load: --send %q: not text with escapes such as \\r\\n", text)
	}
	return []byte(s), nil
}
