package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ktcp/harness/report"
)

// runLoad runs a command line and returns the exit code and the error.
func runLoad(t *testing.T, args ...string) (int, error) {
	t.Helper()
	code, _, err := runLoadUntil(context.Background(), t, args...)
	return code, err
}

// runLoadUntil is the same, until ctx ends, and returns what was written, too.
func runLoadUntil(ctx context.Context, t *testing.T, args ...string) (code int, out string, err error) {
	t.Helper()
	code = report.ExitClean
	c := command(&code)
	c.SetArgs(append([]string{"load"}, args...))
	var b bytes.Buffer
	c.SetOut(&b)
	err = c.ExecuteContext(ctx)
	return code, b.String(), err
}

func TestLoad(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/here" {
			http.NotFound(w, r)
		}
	}))
	defer s.Close()
	for _, tt := range []struct {
		args string
		want int
	}{
		{"http -n 100 -c 4 " + s.URL + "/here", report.ExitClean},
		{"http -n 100 -c 4 --each " + s.URL + "/here", report.ExitClean},
		{"http -n 100 -c 4 " + s.URL + "/gone", report.ExitFindings},
		{"http -n 100 -c 4 --path /here --path /gone " + s.URL, report.ExitFindings},
		{"http -n 100 --expect something " + s.URL + "/here", report.ExitFindings},
		{"awkward -m slow-sender --pace 1ms -n 10 " + s.Listener.Addr().String(), report.ExitClean},
		{"awkward -m half-closer --expect no -n 10 " + s.Listener.Addr().String(), report.ExitFindings},
		{"echo -n 10 -c 2 " + s.Listener.Addr().String(), report.ExitFindings},
	} {
		if code, err := runLoad(t, strings.Fields(tt.args)...); code != tt.want || err != nil {
			t.Errorf("load %s: exit code %d, %v, want %d", tt.args, code, err, tt.want)
		}
	}
}

// TestLoadShowsProgress checks that all loads show how far they are.
func TestLoadShowsProgress(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	for _, args := range []string{"http -n 20", "awkward -m half-closer -n 20", "awkward -m stormer -n 20"} {
		code, out, err := runLoadUntil(context.Background(), t, append(strings.Fields(args), s.Listener.Addr().String())...)
		if code != report.ExitClean || err != nil || !strings.HasPrefix(out, "0 requests\n2 requests\n") || !strings.Contains(out, "\n18 requests\n") {
			t.Errorf("%s: exit code %d, %v, want its progress:\n%s", args, code, err, out)
		}
	}
}

// TestLoadOverloaded has a server that does not keep up with the rate.
func TestLoadOverloaded(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		time.Sleep(20 * time.Millisecond) // the server's fault, which the load must see
	}))
	defer s.Close()
	code, out, err := runLoadUntil(context.Background(), t, strings.Fields("http -r 1000 -d 200ms -c 1 "+s.URL)...)
	if code != report.ExitFindings || err != nil || !strings.Contains(out, " of 200 requests that were due found every client busy") {
		t.Errorf("exit code %d, %v, want %d and what was not sent:\n%s", code, err, report.ExitFindings, out)
	}
}

// TestLoadInterrupted stops loads in the middle, as Ctrl-C does: the summary shows what was done so far, and the exit code that it was
// not all.
func TestLoadInterrupted(t *testing.T) {
	for _, args := range []string{"http -d 1m", "http -n 1000000", "http -r 1000 -d 1m", "awkward -m slow-sender --pace 1ms -d 1m"} {
		ctx, interrupt := context.WithCancel(context.Background())
		var asked atomic.Int64
		s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			if asked.Add(1) == 100 {
				interrupt()
			}
		}))
		code, out, err := runLoadUntil(ctx, t, append(strings.Fields(args), s.Listener.Addr().String())...)
		s.Close()
		interrupt()
		if code != report.ExitInvalid || !errors.Is(err, context.Canceled) || !strings.Contains(out, "\ngood requests: ") {
			t.Errorf("%s: exit code %d, %v, want %d, and a summary:\n%s", args, code, err, report.ExitInvalid, out)
		}
	}
}

// TestLoadBadInput checks that each mistake is told in one line that says what to do.
func TestLoadBadInput(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	for args, want := range map[string]string{
		"http":                                 "0 addresses were given",
		"http 127.0.0.1:1 -c 0":                "0 clients: 1 to 60000",
		"http 127.0.0.1:1 -e -p 2":             "choose one",
		"http https://127.0.0.1:1":             "only http",
		"http " + nobody:                       "cannot connect to " + nobody + ": connection refused",
		"echo localhost":                       "want HOST:PORT",
		"echo localhost:none":                  `port "none"`,
		"echo 127.0.0.1:1 -s 0":                "messages of 0 bytes",
		"echo 127.0.0.1:1 --rounds -1":         "-1 rounds",
		"echo 127.0.0.1:1 --rounds 1 -n 1":     "rounds and one of requests: choose one",
		"http 127.0.0.1:1 --timeout -1s":       "a timeout of -1s",
		"echo 127.0.0.1:1 -s 16777216 -p 1024": "1024 requests of 16777216 bytes under way on a connection: they may be 67108864 bytes together",
		"awkward " + nobody:                    "cannot connect to " + nobody + ": connection refused",
		"awkward -m rude 127.0.0.1:1":          `manner "rude"`,
		"gopher 127.0.0.1:1":                   "unknown command",
	} {
		_, err := runLoad(t, strings.Fields(args)...)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("load %s: %v, want one line that says %q", args, err, want)
		}
	}
}

func TestLoadTarget(t *testing.T) {
	var f loadFlags
	if err := f.target(context.Background(), "http://127.0.0.1/a?b"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"127.0.0.1:80", "127.0.0.1", "/a?b"}, append([]string{f.Addr, f.Host}, f.Paths...)); diff != "" {
		t.Errorf("target (-want +got):\n%s", diff)
	}
}
