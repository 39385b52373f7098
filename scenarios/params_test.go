package scenarios

import (
	"strings"
	"syscall"
	"testing"

	"ktcp/harness"
)

func TestParametersRefused(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	for _, c := range []struct{ param, names string }{
		{"host=", "host"},
		{"host=localhost", "host"},
		{"host=1.2.3", "host"},
		{"host=1.2.3.4.5", "host"},
		{"host=256.1.1.1", "host"},
		{"host=1.2.3.4x", "host"},
		{"host=::1", "host"},
		{"port=0", "port"},
		{"port=65536", "port"},
		{"port=70000", "port"},
		{"port=-1", "port"},
		{"port=http", "port"},
		{"port=", "port"},
		{"backlog=0", "backlog"},
		{"backlog=-1", "backlog"},
		{"backlog=65536", "backlog"},
		{"backlog=many", "backlog"},
		{"max_conns=0", "max_conns"},
		{"max_conns=-1", "max_conns"},
		{"max_conns=1048577", "max_conns"},
		{"timeout_ms=-1", "timeout_ms"},
		{"timeout_ms=86400001", "timeout_ms"},
		{"timeout_ms=1s", "timeout_ms"},
	} {
		said := g.InsmodRefused("kweb", syscall.EINVAL, c.param)
		if !strings.Contains(said, "kweb") || !strings.Contains(said, c.names) {
			t.Errorf("insmod kweb %s: the kernel log says %q, want it to name kweb and %q", c.param, said, c.names)
		}
	}
	// Nothing of the refused loads stands in the way, and the largest value of each is one.
	kweb := g.Insmod("kweb", "host=10.255.255.1", "port=65535", "backlog=65535", "max_conns=1048576", "timeout_ms=86400000")
	for file, want := range map[string]string{"port": "65535\n", "backlog": "65535\n", "max_conns": "1048576\n", "timeout_ms": "86400000\n"} {
		if got := g.Init().ReadFile("/sys/module/" + kweb.Name + "/parameters/" + file); got != want {
			t.Errorf("parameter %s reads %q, want %q", file, got, want)
		}
	}
	g.Init().WriteFails(harness.StatusFile, "1", syscall.EADDRNOTAVAIL)
}

func TestParametersReadBack(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kweb := g.Serve(harness.Web)
	kweb.Needs(harness.Parameter("host"), harness.Parameter("port"), harness.FeatureValidation)
	for file, want := range map[string]string{"host": "0.0.0.0\n", "port": "9999\n"} {
		if got := g.Init().ReadFile("/sys/module/" + kweb.Name + "/parameters/" + file); got != want {
			t.Errorf("parameter %s reads %q, want %q", file, got, want)
		}
	}
}
