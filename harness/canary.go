package harness

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ktcp/harness/finding"
	"ktcp/harness/report"
)

// Canary is a bug of module/canary and what a detector must say about it.
type Canary struct {
	Bug    string // its name
	Oracle finding.Oracle
	Kind   finding.Kind
	// Class, where it is given, is part of the finding's class: the words differ a little from kernel to kernel.
	Class string
	// Title, where it is given, is part of the finding's title.
	Title string
	// Init tells that the module shows the bug only in its init: "init=NAME" on insmod's command line.
	Init bool
	// Anywhere tells that the detector cannot name the line: what it sees has no stack, or one that the module is not on.
	Anywhere bool
}

// String names the bug and what it is to be seen as.
func (c Canary) String() string {
	s := fmt.Sprintf("%s, which %s calls %s", c.Bug, c.Oracle, c.Kind)
	if c.Class != "" {
		s += " " + c.Class
	}
	if c.Title != "" {
		s += ", " + c.Title
	}
	return s
}

// saw reports whether a finding is the canary, which is at one of the lines.
func (c Canary) saw(f finding.Finding, lines []finding.Location) bool {
	switch {
	case f.Oracle != c.Oracle || f.Kind != c.Kind || !strings.Contains(f.Class, c.Class) || !strings.Contains(f.Title, c.Title):
		return false
	case c.Anywhere:
		return true
	}
	return f.Location != nil && slices.Contains(lines, finding.Location{File: f.Location.File, Line: f.Location.Line})
}

// ShowCanaries runs a scenario that sets free the bugs of the canaries, and fails tb for each that no detector saw. Then the whole run
// is invalid: who is blind to the canary is blind to the same bug elsewhere.
func ShowCanaries(tb testing.TB, canaries []Canary, scenario func(tb testing.TB, g *Guest), options ...Option) {
	tb.Helper()
	r, err := shared()
	if err != nil {
		tb.Fatal(explain(err))
	}
	var missed []string
	got := r.witness(tb, func(tb testing.TB) { scenario(tb, Clone(tb, options...)) }, func() report.Result {
		return report.Result{Canaries: len(canaries), Failed: tb.Failed(), Messages: missed}
	})
	for _, c := range canaries {
		lines, err := canaryLines(filepath.Join(r.modules, "canary"), c.Bug)
		if err != nil {
			tb.Fatal(err)
		}
		if !got.has(func(f finding.Finding) bool { return c.saw(f, lines) }) {
			missed = append(missed, fmt.Sprintf("%v at %v", c, &lines[0]))
		}
	}
	for _, f := range got.Findings {
		if f.Infrastructure() {
			missed = append(missed, "what "+string(f.Oracle)+" has to say beside it: "+f.Title)
		}
	}
	if missed != nil {
		tb.Errorf("not seen: %s\ngot:\n%v", strings.Join(missed, "\n          "), got)
	}
}

// has reports whether there is a finding that is meant.
func (t Testimony) has(meant func(finding.Finding) bool) bool {
	for _, f := range t.Findings {
		if meant(f) {
			return true
		}
	}
	return false
}

// InsmodBug loads module/canary with a bug that it shows in its init, and unloads it.
func (g *Guest) InsmodBug(bug string) {
	g.tb.Helper()
	g.Insmod("canary", "init="+bug).Rmmod()
}

// SetBug has module/canary show a bug, now.
func (m *Module) SetBug(n *Netns, bug string) {
	m.g.tb.Helper()
	n.WriteFile("/sys/module/"+m.Name+"/parameters/bug", bug)
}

// canaryLines returns the lines of the module in dir that are marked as the bug's.
func canaryLines(dir, bug string) (lines []finding.Location, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.c"))
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		n := 0
		for line := range strings.Lines(string(text)) {
			n++
			if strings.Contains(line, "/* canary: "+bug+" */") {
				lines = append(lines, finding.Location{File: filepath.Base(dir) + "/" + filepath.Base(f), Line: n})
			}
		}
	}
	if lines == nil {
		return nil, fmt.Errorf("no line of %s is marked with /* canary: %s */", dir, bug)
	}
	return lines, nil
}

// KernelConfig returns the configuration of the kernel that the guests run: "CONFIG_KASAN" → "y". CONFIG_PAGE_OWNER is left out where this
// machine does not let the host read what the kernel notes.
func KernelConfig(tb testing.TB) map[string]string {
	tb.Helper()
	r, err := shared()
	if err != nil {
		tb.Fatal(explain(err))
	}
	if r.readsOwners() || r.kernel.Config[pageOwner] == "" {
		return r.kernel.Config
	}
	Logf("ledger: nobody looks at pages: the guest's memory cannot be read from here")
	config := maps.Clone(r.kernel.Config)
	delete(config, pageOwner)
	return config
}

// DefaultWatchdogs is what guests start with: see [Guest.Watchdogs].
const DefaultWatchdogs = 20 * time.Second

// Watchdogs has the kernel's watchdogs report a task that hangs, or a processor that does not schedule, after about this much guest
// time. Those that the kernel does not have are left alone.
func (g *Guest) Watchdogs(limit time.Duration) {
	g.tb.Helper()
	for _, w := range []struct {
		option, path string
		limit        time.Duration
	}{
		{"CONFIG_DETECT_HUNG_TASK", "/proc/sys/kernel/hung_task_timeout_secs", limit},
		// It reports after twice this time.
		{"CONFIG_SOFTLOCKUP_DETECTOR", "/proc/sys/kernel/watchdog_thresh", limit / 2},
	} {
		if g.rig.kernel.Config[w.option] == "y" {
			g.Init().WriteFile(w.path, fmt.Sprint(max(int(w.limit/time.Second), 1)))
		}
	}
}
