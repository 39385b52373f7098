package trace

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"ktcp/harness/flame"
	"ktcp/harness/report"
	"ktcp/harness/slowed"
)

func TestAnnotate(t *testing.T) {
	const text = `# tracer: function_graph
    8.4 |   0)    init-89     |               |  accept_data_ready [kecho]() {
    8.4 |   0)    init-89     |   0.664 us    |    _raw_read_lock_bh();
    8.4 |   0)    init-89     |   0.664 us    |    inner [kecho]();
    8.4 |   0)    init-89     |   0.664 us    |    other [khttpd]();
    8.4 |   0)    init-89     |   48.227 us   |  } /* accept_data_ready [kecho] */
`
	got, known := Annotate(text, "kecho", func(f string) string { return "core/" + f + ".c:19" })
	want := strings.NewReplacer(
		"accept_data_ready [kecho]() {", "accept_data_ready [kecho]() {  // core/accept_data_ready.c:19",
		"inner [kecho]();", "inner [kecho]();  // core/inner.c:19").Replace(text)
	if got != want || known != 2 {
		t.Errorf("%d known in\n%s", known, got)
	}
}

// profile is one with a stack of each part.
func profile() *Profile {
	own := Frame{Func: "echo_rx", Module: true, At: "kecho/main.c:24"}
	tcp := Frame{Func: "tcp_sendmsg"}
	return &Profile{Load: "Echo", Name: "kecho", About: "a load", Instructions: 1000, Samples: 100, Stacks: []Seen{
		{Task: "kworker/0:1", Kernel: true, Frames: []Frame{own, own}, Count: 10}, // a stack counts once, however often it is there
		{Task: "kworker/0:2", Kernel: true, Frames: []Frame{tcp, own}, Count: 20},
		{Task: "kworker/0:1", Kernel: true, Frames: []Frame{{Func: "schedule"}}, Count: 5},
		{Task: "init", Frames: []Frame{tcp}, Count: 25},
		{Task: "init", Count: 40},
	}}
}

func TestParts(t *testing.T) {
	p := profile()
	var got []string
	sum := 0.0
	for _, part := range p.Parts() {
		got = append(got, fmt.Sprintf("%.0f", part.Instructions))
		sum += part.Share
	}
	if strings.Join(got, " ") != "100 200 50 250 400" || sum != 1 {
		t.Errorf("parts %v, of %v", got, sum)
	}
	if lines := p.Lines(); len(lines) != 1 || lines[0].Name != "echo_rx kecho/main.c:24" || lines[0].Instructions != 300 {
		t.Errorf("lines %+v", lines)
	}
	if f := p.Functions(); len(f) != 3 || f[0].Name != "tcp_sendmsg" || f[0].Instructions != 450 {
		t.Errorf("functions %+v", f)
	}
}

func TestFlame(t *testing.T) {
	var b strings.Builder
	if err := flame.Folded(&b, profile().Flame()); err != nil {
		t.Fatal(err)
	}
	const want = `clients;tcp_sendmsg 25
clients;user space 40
kworker;echo_rx kecho/main.c:24;echo_rx kecho/main.c:24 10
kworker;echo_rx kecho/main.c:24;tcp_sendmsg 20
kworker;schedule 5
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestValidate(t *testing.T) {
	for name, s := range map[string]Spec{
		"no directory":    {},
		"two directories": {Dirs: []string{"a", "b"}},
		"depth":           {Dirs: []string{"a"}, Depth: 51},
		"port":            {Dirs: []string{"a"}, Port: -1},
	} {
		if err := s.Validate(); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want an error of one line", name, err)
		}
	}
}

// A line that was made to waste time is found, with about what it wastes; the calls of a request name their lines.
func TestWasteIsFoundAtItsLine(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	slow, first := slowed.Kecho(t, root, 2000) // some 4,000 instructions
	results := t.TempDir()
	t.Setenv(report.ResultsVariable, results)
	t.Setenv(report.RunVariable, "")
	var out bytes.Buffer
	code, err := Run(context.Background(), Spec{
		Root: root, Dirs: []string{slow}, Load: "EchoSize64", Out: &out, Progress: os.Stderr,
	})
	if err != nil || code != report.ExitClean {
		t.Fatalf("exit code %d, %v", code, err)
	}
	found := 0.0
	at := regexp.MustCompile(fmt.Sprintf(`(?m)^ +(\d+) +[0-9.]+ %%  echo_rx kecho/main\.c:(?:%d|%d)$`, first, first+1))
	for _, m := range at.FindAllStringSubmatch(out.String(), -1) {
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		found += n
	}
	if found < 2000 || found > 5000 {
		t.Errorf("%.0f instructions at kecho/main.c:%d, want some 4,000, in\n%s", found, first, &out)
	}
	latest := filepath.Join(results, "trace", "latest")
	for file, want := range map[string]string{
		GraphFile:                  `echo_rx \[kecho\]\(\) \{  // kecho/main\.c:\d+`,
		"EchoSize64.stacks.folded": `(?m)^kworker;.*echo_rx kecho/main\.c:\d+.* \d+$`,
		"EchoSize64.svg":           `echo_rx kecho/main\.c:\d+: [0-9.]+ %, \d+ instructions a request`,
		"EchoSize64.profile.txt":   `the client in user space`,
	} {
		text, err := os.ReadFile(filepath.Join(latest, file))
		if err != nil || !regexp.MustCompile(want).Match(text) {
			t.Errorf("%s: %v, and no %s", file, err, want)
		}
	}
}
