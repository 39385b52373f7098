package versus

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ktcp/harness/figure"
	"ktcp/harness/handover"
	"ktcp/harness/report"
	"ktcp/harness/slowed"
	"ktcp/harness/subject"
)

var setting = figure.Setting{Kernel: "6.1.0", Flavor: "stock", Accelerator: "tcg", Clock: "instructions"}

// measured fills a record: in each round a request took each module so many ns.
func measured(load string, took ...[2]int) *Record {
	r := &Record{Setting: setting}
	for round, ns := range took {
		for module := range ns {
			r.Measurements = append(r.Measurements, Measurement{
				Round: round, Module: module, Load: load, Requests: 1000, Elapsed: time.Duration(1000 * ns[module]),
			})
		}
	}
	return r
}

func TestSummarize(t *testing.T) {
	for _, tt := range []struct {
		name   string
		took   [][2]int
		change float64 // of the rate
		known  bool
		same   bool
	}{
		{"a tenth slower", [][2]int{{100, 110}, {101, 111}, {100, 110}, {99, 109}, {100, 110}, {100, 111}}, 100.0/110 - 1, true, false},
		{"the same", [][2]int{{100, 101}, {101, 100}, {100, 100}, {99, 100}, {100, 99}, {100, 100}}, 0, true, true},
		{"no spread", [][2]int{{100, 80}, {100, 80}, {100, 80}, {100, 80}, {100, 80}, {100, 80}}, 0.25, true, false},
		{"too few", [][2]int{{100, 80}, {100, 80}}, 0.25, false, false},
	} {
		s := measured("Load", tt.took...).Summarize()
		if len(s) != 1 || math.Abs(s[0].Change-tt.change) > 1e-9 || s[0].Known() != tt.known || tt.known && s[0].Same() != tt.same {
			t.Errorf("%s: %+v, want a change of %v, known %v, same %v", tt.name, s, tt.change, tt.known, tt.same)
		}
	}
}

// Drift of the machine that both have in common does not hide a difference: rounds are compared with themselves.
func TestRoundsArePaired(t *testing.T) {
	s := measured("Load", [2]int{100, 101}, [2]int{200, 202}, [2]int{300, 303}, [2]int{400, 404}, [2]int{500, 505}, [2]int{600, 606}).Summarize()[0]
	if s.Same() || math.Abs(s.Hi-(100.0/101-1)) > 1e-9 || math.Abs(s.Lo-s.Hi) > 1e-9 {
		t.Errorf("%+v, want one percent with an interval of no width", s)
	}
}

func TestWaitingIsNoInstruction(t *testing.T) {
	m := Measurement{Requests: 10, Elapsed: 1000, Idle: 400}
	if got := m.Instructions(); got != 60 {
		t.Errorf("%v instructions, want 60", got)
	}
}

func TestBadAnswersAreNotCompared(t *testing.T) {
	r := measured("KeepAlive", [2]int{100, 100})
	r.Measurements[1].Bad = "7 of 1000 requests were not answered well"
	spec := Spec{Dirs: []string{"a", "b"}}
	text, code := spec.text(r, Contest{Rounds: 1}, [2]string{})
	if code != report.ExitFindings || !strings.Contains(text, "KeepAlive: not compared: B: 7 of 1000 requests") {
		t.Errorf("exit code %d:\n%s", code, text)
	}
}

// Guests of different kinds cannot come into one record.
func TestNoteRefusesAnotherKindOfGuest(t *testing.T) {
	var first Record
	if err := first.Note(setting, "template", 0, "build"); err != nil {
		t.Fatal(err)
	}
	if err := first.Note(setting, "template", 1, "another build"); err != nil {
		t.Errorf("the other module: %v", err)
	}
	kernel, flavor, accelerator, clock := setting, setting, setting, setting
	kernel.Kernel, flavor.Flavor, accelerator.Accelerator, clock.Clock = "6.12", "kasan", "kvm", "realtime"
	for _, tt := range []struct {
		name     string
		setting  figure.Setting
		template string
		build    string
	}{
		{"kernel", kernel, "template", "build"},
		{"flavor", flavor, "template", "build"},
		{"accelerator", accelerator, "template", "build"},
		{"clock", clock, "template", "build"},
		{"template", setting, "another", "build"},
		{"build", setting, "template", "changed"},
	} {
		if err := first.Note(tt.setting, tt.template, 0, tt.build); !errors.Is(err, ErrMixed) {
			t.Errorf("another %s: %v, want %v", tt.name, err, ErrMixed)
		}
	}
}

func TestValidate(t *testing.T) {
	good := Spec{Dirs: []string{"a", "b"}, Rounds: 1}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Spec){
		"one directory":     func(s *Spec) { s.Dirs = s.Dirs[:1] },
		"three directories": func(s *Spec) { s.Dirs = append(s.Dirs, "c") },
		"no rounds":         func(s *Spec) { s.Rounds = 0 },
		"many rounds":       func(s *Spec) { s.Rounds = 1e6 },
		"port":              func(s *Spec) { s.Port = 70000 },
		"parameter":         func(s *Spec) { s.Params = []string{"port"} },
	} {
		s := Spec{Dirs: []string{"a", "b"}, Rounds: 1}
		change(&s)
		if err := s.Validate(); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want an error of one line", name, err)
		}
	}
}

// Modules that answer different things are compared, and the comparison says so.
func TestTextNamesDifferentAnswers(t *testing.T) {
	r := Record{Setting: setting}
	c := Contest{Rounds: 1}
	s := Spec{Dirs: []string{"a", "b"}}
	r.NoteAnswer(0, 200, 12)
	r.NoteAnswer(1, 200, 12)
	if text, _ := s.text(&r, c, [2]string{}); strings.Contains(text, "Not the same work") {
		t.Errorf("answers that are the same:\n%s", text)
	}
	r.NoteAnswer(1, 204, 0)
	if text, _ := s.text(&r, c, [2]string{}); !strings.Contains(text, "Not the same work: A answers 200, 12 bytes, B 204, 0 bytes.") {
		t.Errorf("answers that differ:\n%s", text)
	}
}

func TestContestAcrossProcesses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "contest.json")
	want := Contest{Rounds: 2, Record: "record.json"}
	for i := range want.Modules {
		want.Modules[i] = subject.Stranger{Dir: "/x", Role: subject.Echo}
	}
	if err := want.Write(file); err != nil {
		t.Fatal(err)
	}
	t.Setenv(Variable, file)
	got, err := FromEnvironment()
	if err != nil || got.Rounds != want.Rounds || got.Modules[1].Dir != "/x" {
		t.Errorf("%+v, %v", got, err)
	}
	want.Modules[1].Role = subject.HTTP
	if err := want.Write(file); err != nil {
		t.Fatal(err)
	}
	if _, err := FromEnvironment(); err == nil {
		t.Error("two roles are no error")
	}
}

// A module that was made slower is found to be, by about as much, and what is unchanged is not.
func TestSlowerModule(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	slow, _ := slowed.Kecho(t, root, 1000) // at most 2,000 instructions
	t.Setenv(report.ResultsVariable, t.TempDir())
	t.Setenv(report.RunVariable, "")
	var out bytes.Buffer
	code, err := Run(context.Background(), Spec{
		Root: root, Dirs: []string{filepath.Join(root, "module", "kecho"), slow}, Rounds: 1,
		Out: &out, Progress: os.Stderr,
	})
	if err != nil || code != report.ExitClean {
		t.Fatalf("exit code %d, %v\n%s", code, err, &out)
	}
	runs, err := filepath.Glob(filepath.Join(os.Getenv(report.ResultsVariable), "runs", "*", "contest-record.json"))
	if err != nil || len(runs) != 1 {
		t.Fatalf("records: %v, %v", runs, err)
	}
	var r Record
	if err := handover.Read(runs[0], &r); err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Summarize() {
		if more := s.Instructions[1] - s.Instructions[0]; more < 1000 || more > 2500 || s.Change > -0.03 {
			t.Errorf("%+v: %.0f instructions more, want 1,000 to 2,500", s, more)
		}
	}
	if r.Kernel == "" || r.Clock != "instructions" || r.Template == "" || r.Builds[0] == r.Builds[1] {
		t.Errorf("a record without its setting: %+v", r)
	}
	t.Log(out.String())
}
