package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"ktcp/guest/load"
	"ktcp/guest/wire"
	"ktcp/harness/report"
)

// loadCommand runs the load generators of the guest on this machine, against any server.
func loadCommand(code *int) *cobra.Command {
	c := &cobra.Command{
		Use:   "load",
		Short: "Load a TCP server on any machine: echo or HTTP, every answer checked and timed",
		Long: `load makes many clients at once talk to a server, checks every answer and measures the response times. It is what
runs inside the guests, and works against any server.

Each byte of an echo is checked. An HTTP answer must be well-formed, whole and as long as it says, with a status of 2xx or
3xx; its body is compared only with that of --expect, where that is given.

At a fixed rate, requests that were due and found every client busy until the end are never sent: the summary counts them, and
its response times have them among the others with the time that they had waited, as they have timeouts.

Exit codes: 0 every request was good; 1 some were not, or were due and not sent; 2 the load could not be run, or not to its
end.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(loadHTTPCommand(code), loadEchoCommand(code), loadAwkwardCommand(code))
	return c
}

// loadFlags are what all loads have in common.
type loadFlags struct {
	wire.LoadRequest
	each bool
}

func (f *loadFlags) add(c *cobra.Command, what string) {
	flags := c.Flags()
	flags.IntVarP(&f.Requests, "requests", "n", 0, what+" in all (default: as many as fit into the duration)")
	flags.IntVarP(&f.Conns, "connections", "c", 32, "clients, each with one connection at a time")
	flags.IntVarP(&f.Threads, "threads", "t", 0, "threads that drive the clients (default: one for each processor)")
	flags.DurationVarP(&f.Duration, "duration", "d", 0, "how long to go on (default 10s, unless a number is given)")
	flags.BoolVarP(&f.each, "each", "e", false, "a new connection for each, instead of keeping one open")
	flags.IntVarP(&f.Pipeline, "pipeline", "p", 1, what+" under way at once on each connection")
	flags.Float64VarP(&f.Rate, "rate", "r", 0, what+" a second, evenly spaced whatever the server does; response times\n"+
		"then count from when each was due (default: each client as fast as it can)")
	flags.DurationVar(&f.Patience, "timeout", 5*time.Second, "how long a client waits for progress")
}

func loadHTTPCommand(code *int) *cobra.Command {
	var f loadFlags
	var body string
	c := &cobra.Command{
		Use:   "http [flags] URL|HOST:PORT",
		Short: "Ask an HTTP server for one or more paths",
		Example: `  go run . load http -n 100000 -c 32 -t 2 http://127.0.0.1:8081/
  go run . load http -d 10s -c 100 --each 127.0.0.1:8081
  go run . load http -d 10s --rate 5000 --path / --path /style.css 127.0.0.1:8081`,
		Args: oneAddress,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			f.Protocol, f.Expect = wire.LoadHTTP, []byte(body)
			if err := f.target(cmd.Context(), args[0]); err != nil {
				return err
			}
			*code, err = f.run(cmd)
			return err
		},
	}
	f.add(c, "requests")
	c.Flags().StringArrayVar(&f.Paths, "path", nil, "path to ask for; given more than once, each in turn (default: that of the URL)")
	c.Flags().StringVar(&body, "expect", "", "the body that every answer must have (default: any)")
	return c
}

func loadEchoCommand(code *int) *cobra.Command {
	var f loadFlags
	c := &cobra.Command{
		Use:   "echo [flags] HOST:PORT",
		Short: "Send messages to an echo server and expect each of them back",
		Example: `  go run . load echo -c 1000 --rounds 10 127.0.0.1:12345
  go run . load echo -d 10s -c 100 --size 1400 127.0.0.1:12345`,
		Args: oneAddress,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			f.Protocol = wire.LoadEcho
			if f.Addr, err = resolve(cmd.Context(), args[0]); err != nil {
				return err
			}
			*code, err = f.run(cmd)
			return err
		},
	}
	f.add(c, "messages")
	c.Flags().IntVarP(&f.Size, "size", "s", 64, "bytes of a message")
	c.Flags().IntVar(&f.Rounds, "rounds", 0, "messages of each client, on the connection that it keeps or, with --each, on as many connections; "+
		"instead of --requests")
	return c
}

func oneAddress(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("load: %d addresses were given, want one, such as 127.0.0.1:8081", len(args))
	}
	return nil
}

// target takes the server, its name and the path from a URL or an address.
func (f *loadFlags) target(ctx context.Context, text string) (err error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	if u.Scheme != "http" {
		return fmt.Errorf("load: %s: only http can be loaded, not %s", text, u.Scheme)
	}
	f.Host = u.Host
	if len(f.Paths) == 0 {
		f.Paths = []string{u.RequestURI()}
	}
	addr := u.Host
	if u.Port() == "" {
		addr = net.JoinHostPort(u.Hostname(), "80")
	}
	f.Addr, err = resolve(ctx, addr)
	return err
}

// resolve returns an address in numbers.
func resolve(ctx context.Context, addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("load: address %q: want HOST:PORT, such as 127.0.0.1:12345", addr)
	}
	n, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil || n == 0 {
		return "", fmt.Errorf("load: address %q: port %q is none", addr, port)
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return "", fmt.Errorf("load: address %q: %w", addr, err)
	}
	return netip.AddrPortFrom(ips[0].Unmap(), uint16(n)).String(), nil
}

// run runs a load, shows its progress and its results, and returns the exit code.
func (f *loadFlags) run(cmd *cobra.Command) (code int, err error) {
	f.KeepAlive = !f.each
	if f.Requests == 0 && f.Rounds == 0 && f.Duration == 0 {
		f.Duration = 10 * time.Second
	}
	p := progress(cmd, f.Requests+f.Rounds*f.Conns, f.Duration)
	spec := load.Spec{LoadRequest: f.LoadRequest, Answered: &p.Answered}
	if err := load.Check(spec); err != nil {
		return report.ExitInvalid, err
	}
	stop := p.Start()
	result, err := load.Run(cmd.Context(), spec)
	stop()
	if err != nil && !errors.Is(err, load.ErrGone) {
		return report.ExitInvalid, err
	}
	gone := err
	if code, err = summarize(cmd, result); err == nil && gone != nil {
		return report.ExitInvalid, fmt.Errorf("load: %s after %d good answers: %w", f.Addr, result.Good, gone)
	}
	return code, err
}

// progress shows how far a load is.
func progress(cmd *cobra.Command, requests int, duration time.Duration) *load.Progress {
	p := &load.Progress{Out: os.Stderr, Terminal: term.IsTerminal(int(os.Stderr.Fd())), Requests: requests, Duration: duration}
	if !p.Terminal {
		p.Out = cmd.OutOrStdout() // as htstress does
	}
	return p
}

// summarize shows the results of a load that has ended or was interrupted, and returns the exit code.
func summarize(cmd *cobra.Command, result wire.LoadResult) (code int, err error) {
	if err := load.WriteSummary(cmd.OutOrStdout(), result); err != nil {
		return report.ExitInvalid, err
	}
	if err := cmd.Context().Err(); err != nil {
		return report.ExitInvalid, fmt.Errorf("load: %w", err)
	}
	if !result.AllGood() {
		return report.ExitFindings, nil
	}
	return report.ExitClean, nil
}
