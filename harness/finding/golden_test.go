package finding

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ktcp/guest/wire"
)

var update = flag.Bool("update", false, "rewrite the golden files from what is parsed now")

// logs returns the names of the logs in testdata, without suffix.
func logs(tb testing.TB) []string {
	tb.Helper()
	paths, err := filepath.Glob("testdata/*.log")
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no logs in testdata: %v", err)
	}
	for i, p := range paths {
		paths[i] = strings.TrimSuffix(filepath.Base(p), ".log")
	}
	return paths
}

// readLog returns a log as the console showed it: the first line of the file says where it comes from.
func readLog(tb testing.TB, name string) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".log"))
	if err != nil {
		tb.Fatal(err)
	}
	origin, log, _ := strings.Cut(string(text), "\n")
	if !strings.HasPrefix(origin, "# Linux ") {
		tb.Fatalf("%s.log does not say which kernel printed it", name)
	}
	return log
}

// shorten keeps the ends of an excerpt: the log stands beside the golden file.
func shorten(findings []Finding) []Finding {
	out := make([]Finding, len(findings))
	for i, f := range findings {
		if n := len(f.Excerpt); n > 2 {
			f.Excerpt = []string{f.Excerpt[0], fmt.Sprintf("... %d lines ...", n-2), f.Excerpt[n-1]}
		}
		out[i] = f
	}
	return out
}

func TestGolden(t *testing.T) {
	for _, name := range logs(t) {
		t.Run(name, func(t *testing.T) {
			found := shorten(Dedupe(ParseConsole(readLog(t, name))))
			got, err := json.MarshalIndent(found, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			text, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			var want []Finding
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, found); diff != "" {
				t.Errorf("-want +got, -update accepts it:\n%s", diff)
			}
		})
	}
}

// A console and /dev/kmsg are two ways to the same records.
func TestKmsgYieldsWhatTheConsoleYields(t *testing.T) {
	for _, name := range logs(t) {
		log := readLog(t, name)
		var records []wire.KmsgRecord
		for i, l := range ConsoleLines(log) {
			records = append(records, wire.KmsgRecord{Seq: uint64(i), Level: 4, Time: l.Time, Caller: l.Caller, Text: l.Text})
		}
		if diff := cmp.Diff(ParseConsole(log), ParseKmsg(records)); diff != "" {
			t.Errorf("%s (-console +kmsg):\n%s", name, diff)
		}
	}
}

// Line ends, levels before the time stamp and what user space writes to the same console make no difference.
func TestConsoleDecoration(t *testing.T) {
	for _, name := range logs(t) {
		log := strings.ReplaceAll(readLog(t, name), "\r", "")
		want := ParseConsole(log)
		for what, decorated := range map[string]string{
			"CRLF":       strings.ReplaceAll(log, "\n", "\r\n"),
			"CRCRLF":     strings.ReplaceAll(log, "\n", "\r\r\n"),
			"levels":     regexp.MustCompile(`(?m)^\[`).ReplaceAllString(log, "<6>["),
			"user lines": strings.ReplaceAll(log, "\n", "\nagent: BUG: WARNING: Call Trace:\n"),
			"user text":  regexp.MustCompile(`(?m)^\[`).ReplaceAllString(log, "login: ["),
		} {
			if diff := cmp.Diff(want, ParseConsole(decorated)); diff != "" {
				t.Errorf("%s with %s:\n%s", name, what, diff)
			}
		}
	}
}

// Without time stamps and callers the same kinds are found first, though simultaneous reports may mix.
func TestConsoleWithoutTimeStamps(t *testing.T) {
	for _, name := range logs(t) {
		var plain []string
		stamped := ConsoleLines(readLog(t, name))
		for _, l := range stamped {
			plain = append(plain, l.Text)
		}
		want, got := Parse(stamped), ParseConsole(strings.Join(plain, "\n"))
		if len(want) == 0 && len(got) == 0 {
			continue
		}
		if len(want) == 0 || len(got) == 0 || want[0].Kind != got[0].Kind || want[0].Title != got[0].Title {
			t.Errorf("%s: with time stamps %v, without %v", name, titles(want), titles(got))
		}
	}
}

func titles(findings []Finding) []string {
	var all []string
	for _, f := range findings {
		all = append(all, string(f.Kind)+": "+f.Title)
	}
	return all
}

// A console that breaks off within a report still shows that something was wrong, and of which kind once the line that says so
// is there.
func TestConsoleThatBreaksOff(t *testing.T) {
	for _, name := range logs(t) {
		lines := ConsoleLines(readLog(t, name))
		whole := Parse(lines)
		if len(whole) == 0 {
			continue
		}
		first := slices.IndexFunc(lines, func(l Line) bool {
			return strings.Contains(collapse(l.Text), whole[0].Title) || strings.HasPrefix(l.Text, "WARNING: CPU: ")
		})
		if first < 0 {
			t.Errorf("%s: the title %q is in no line", name, whole[0].Title)
			continue
		}
		// Right after that line, and then at ever longer distances.
		for n, step := first+1, 1; n < len(lines); n, step = n+step, step+3 {
			if got := Parse(lines[:n]); len(got) == 0 {
				t.Fatalf("%s: nothing is found in the first %d of %d lines", name, n, len(lines))
			}
		}
	}
}

// collapse writes a line as titles are written.
func collapse(text string) string {
	return spacesRE.ReplaceAllString(taintedRE.ReplaceAllString(text, ""), " ")
}

// Reports that are printed at the same time by different callers come apart.
func TestCallersDoNotMix(t *testing.T) {
	names := []string{"6.1-null", "6.12-warn-inline", "6.1-hung", "6.12-list-del"}
	var streams [][]Line
	want := map[string]string{}
	for i, name := range names {
		lines := ConsoleLines(readLog(t, name))
		for j := range lines {
			lines[j].Caller = fmt.Sprintf("T%d", i)
			lines[j].Time = time.Duration(j) * time.Millisecond
		}
		streams = append(streams, lines)
		for _, f := range Parse(lines) {
			want[f.Title] = f.Fingerprint
		}
	}
	var mixed []Line
	for j := 0; ; j++ {
		n := len(mixed)
		for _, s := range streams {
			if j < len(s) {
				mixed = append(mixed, s[j])
			}
		}
		if len(mixed) == n {
			break
		}
	}
	got := map[string]string{}
	for _, f := range Parse(mixed) {
		got[f.Title] = f.Fingerprint
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alone against mixed:\n%s", diff)
	}
}

func FuzzParseConsole(f *testing.F) {
	for _, name := range []string{"6.1-null", "6.12-pair", "kasan-lock-order"} {
		f.Add(readLog(f, name))
	}
	f.Add("[    1.0] ------------[ cut here ]------------\nBUG: \n\n[ 2.000000][ T1] Call Trace:")
	f.Fuzz(func(t *testing.T, log string) {
		checkComplete(t, log)
	})
}

func BenchmarkParse(b *testing.B) {
	lines := ConsoleLines(readLog(b, "6.12-sysrq-t"))
	for b.Loop() {
		Parse(lines)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(lines)), "ns/line")
}

// Whatever a dying guest writes, the parser comes to an end, and what it finds is complete.
func TestParseSurvivesDamage(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	names := logs(t)
	for range 300 {
		name := names[r.IntN(len(names))]
		lines := strings.Split(readLog(t, name), "\n")
		for range 1 + r.IntN(20) {
			i, j := r.IntN(len(lines)), r.IntN(len(lines))
			switch r.IntN(4) {
			case 0:
				lines[i], lines[j] = lines[j], lines[i]
			case 1:
				lines[i] += lines[j]
			case 2:
				lines[i] = lines[i][:r.IntN(len(lines[i])+1)]
			case 3:
				lines = slices.Concat(lines[:i], []string{""}, lines[max(i, j):])
			}
		}
		checkComplete(t, strings.Join(lines, "\n"))
	}
}

// checkComplete parses a log and checks that the findings are whole.
func checkComplete(t *testing.T, log string) {
	t.Helper()
	for _, found := range Dedupe(ParseConsole(log)) {
		if found.Kind == "" || found.Fingerprint == "" || found.Count < 1 || found.Oracle != OracleLog || found.Title == "" {
			t.Errorf("incomplete finding: %+v", found)
		}
		_ = Text(found)
	}
}
