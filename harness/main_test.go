package harness

import (
	"fmt"
	"os"
	"testing"

	"ktcp/harness/report"
)

// The guests of these tests are broken on purpose: their results go elsewhere than those of a run that a user looks at.
func TestMain(m *testing.M) {
	if os.Getenv(leaveOutChild) != "" { // it joins the run of the test that started it
		os.Exit(Main(m))
	}
	dir, err := os.MkdirTemp("", "ktcp-harness-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Setenv(report.ResultsVariable, dir)
	os.Unsetenv(report.RunVariable)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}
