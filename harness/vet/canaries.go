package vet

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"ktcp/harness/report"
	"ktcp/harness/suite"
)

// canaryTest is the scenario that shows each detector of a kernel a bug that it must see.
const canaryTest = "TestCanary"

// canaryDeadline bounds it in wall time: it takes a minute.
const canaryDeadline = 30 * time.Minute

// showCanaries shows the detectors of each flavor their canaries, once for all modules. What was missed, or could not be shown, makes the
// verdicts worth nothing: the result says so.
func (v *vetting) showCanaries(ctx context.Context) (c Canaries, err error) {
	c.Seen = map[string]int{}
	for _, flavor := range v.flavors {
		v.progress("showing the detectors their canaries on %s", flavor)
		run, err := report.Open(report.Config{Root: v.Root, Join: filepath.Join(v.dir, "canaries", flavor), Command: v.Command})
		if err != nil {
			return c, err
		}
		var last string
		testErr := suite.Process{
			Root: v.Root, Binary: v.binary,
			Args: []string{"-test.run", "^" + canaryTest + "$", "-test.timeout", canaryDeadline.String()},
			Env:  append(v.environment(flavor), run.Env()),
			Hear: func(out io.Reader) { last = lastLine(out) },
		}.Run(ctx)
		if ctx.Err() != nil {
			return c, fmt.Errorf("interrupted")
		}
		shown, err := report.Load(run.Dir())
		if err != nil {
			return c, err
		}
		c.Seen[flavor] = shown.SeenCanaries()
		if why := missed(shown, testErr, last); why != "" && c.Missed == "" {
			c.Missed = "on " + flavor + " " + why
		}
	}
	return c, nil
}

// missed says what is wrong with a run of canaries, or "".
func missed(shown *report.Run, testErr error, last string) string {
	switch {
	case shown.Missed() != "":
		return "a detector missed its canary: " + shown.Missed()
	case shown.Verdict() != report.Pass:
		return "the canaries could not be shown: " + shown.Headline()
	case testErr != nil:
		return fmt.Sprintf("the canaries could not be shown: %v: %s", testErr, last)
	case shown.SeenCanaries() == 0:
		return "no canary was shown"
	}
	return ""
}

// lastLine returns the last line that says something.
func lastLine(out io.Reader) (last string) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" {
			last = line
		}
	}
	return last
}
