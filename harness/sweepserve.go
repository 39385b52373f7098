package harness

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"syscall"

	"ktcp/guest/wire"
)

// mostOfAnswer bounds how many allocations of a thread are tried: no answer to one client takes as many.
const mostOfAnswer = 512

// missesToEnd is how many exchanges in a row without a failure end a sweep: one proves little, because the connection's work may have
// been shared out among the threads in another way than before.
const missesToEnd = 3

// dateField differs between two equal answers.
var dateField = regexp.MustCompile(`(?m)^Date: .*\r\n`)

// served is what one client got: bytes, and then an end; or it was not let in.
type served struct {
	got     []byte
	refused error
	end     wire.RecvAnswer
	how     string // end, in words
}

// SweepServing has the kernel's threads fail at their first, second, ... allocation while a client in the namespace sends
// the request and reads to the end, until none makes as many any more. The client may be turned away, cut short, or told so
// by a status of 5xx; it must not be sent anything else and not be left to wait, and who comes afterwards must be served as if
// nothing had happened. The guest must be one of [FailingAllocations].
func (s *Subject) SweepServing(n *Netns, request string) {
	g := s.g
	g.tb.Helper()
	g.swept = true
	want := s.exchange(n, request)
	if want.refused != nil || !want.end.EOF || len(want.got) == 0 {
		g.wireFinding("%s: want an answer to %.40q with nothing made to fail, got %v", s.Addr, request, want)
		return
	}
	whole, failed, misses := 0, 0, 0
	for nth := 1; misses < missesToEnd; nth++ {
		if nth > mostOfAnswer {
			g.tb.Fatalf("kernel threads that serve one client allocate more than %d times", mostOfAnswer)
		}
		call(g, wire.FailThreads, wire.FailThreadsRequest{N: nth})
		got := s.exchange(n, request)
		if len(call(g, wire.ThreadsFailed, wire.None{}).Failed) == 0 {
			misses++
		} else {
			misses = 0
			failed++
		}
		all := bytes.Equal(got.got, want.got)
		switch {
		case all:
			whole++
		case got.refused != nil, bytes.HasPrefix(want.got, got.got), bytes.HasPrefix(got.got, []byte("HTTP/1.1 5")):
		default:
			g.wireFinding("%s: allocation %d of the kernel's threads failed, and the client got %q", s.Addr, nth, clip(got.got))
		}
		// A FIN that there is no memory for, TCP never sends, and tells nobody (tcp_send_fin in the kernel's tcp_output.c): a
		// stranger need not know.
		if got.refused == nil && !got.end.EOF && !got.end.Reset && !(all && g.stranger != nil) {
			g.wireFinding("%s: allocation %d of the kernel's threads failed, and after %d of %d bytes the client got %s", s.Addr, nth,
				len(got.got), len(want.got), got.how)
		}
		if g.readKernelLog(); len(g.reports()) > 0 {
			g.tb.Errorf("the kernel log has a report after allocation %d of the kernel's threads had failed", nth)
			return
		}
	}
	if got := s.exchange(n, request); !bytes.Equal(got.got, want.got) {
		g.wireFinding("%s: after allocations had failed and none does any more, the client got %v", s.Addr, got)
	}
	if failed == 0 && g.stranger != nil {
		g.tb.Skipf("no kernel thread allocates anything to serve a client: there is nothing to fail")
	}
	if failed == 0 {
		g.tb.Errorf("%s: no kernel thread allocates anything to serve a client", s.Addr)
	}
	g.tb.Logf("%.20q: %d allocations failed in turn; %d clients got the whole answer nevertheless", request, failed, whole)
}

// exchange sends a request from a new connection, and reads to its end.
func (s *Subject) exchange(n *Netns, request string) served {
	g := s.g
	g.tb.Helper()
	dialed, err := try(g, wire.Dial, wire.DialRequest{Netns: n.name, Addr: s.Addr, Timeout: g.patience()})
	if err != nil {
		return served{refused: g.errnoOf(err)}
	}
	defer call(g, wire.CloseConn, wire.CloseRequest{Conn: dialed.Conn, Mode: wire.CloseReset})
	if _, err := try(g, wire.Send, wire.SendRequest{Conn: dialed.Conn, Data: []byte(request), Timeout: g.patience()}); err != nil {
		_ = g.errnoOf(err) // the receive tells how the connection has ended
	}
	if s.Role == Echo {
		if _, err := try(g, wire.CloseConn, wire.CloseRequest{Conn: dialed.Conn, Mode: wire.CloseWrite}); err != nil {
			_ = g.errnoOf(err)
		}
	}
	answer := call(g, wire.Recv, wire.RecvRequest{Conn: dialed.Conn, Min: -1, Timeout: g.patience()})
	return served{got: dateField.ReplaceAll(answer.Data, nil), end: answer, how: g.ending(answer)}
}

// errnoOf returns what a system call in the guest failed with; any other failure is the guest's, and ends the scenario.
func (g *Guest) errnoOf(err error) error {
	g.tb.Helper()
	var failed *wire.Error
	if !errors.As(err, &failed) || failed.Errno == 0 {
		g.tb.Fatal(err)
	}
	return syscall.Errno(failed.Errno)
}

// String implements fmt.Stringer.
func (s served) String() string {
	if s.refused != nil {
		return s.refused.Error()
	}
	return fmt.Sprintf("%d bytes, then %s: %q", len(s.got), s.how, clip(s.got))
}
