package scenarios

import (
	"strings"
	"testing"

	"ktcp/harness"
)

func TestClientCurl(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	kweb := g.Serve(harness.Web)
	kweb.Enable(g.Init())
	curl := g.Program("curl")
	for _, version := range []string{"--http1.0", "--http1.1"} {
		got := curl.Run("-sS", version, "-w", "%{http_code} %{num_connects}", "http://"+kweb.Addr+"/").WantExit(0)
		if !strings.HasSuffix(got.Stdout, "200 1") {
			t.Errorf("curl %s: %q", version, got.Stdout)
		}
	}
}

func TestClientOnInstructions(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.OnInstructions())
	kweb := g.Serve(harness.Web)
	kweb.Enable(g.Init())
	wrk := g.Program("wrk")
	for range 3 {
		got := wrk.Run("-t1", "-c32", "-d1s", "http://"+kweb.Addr+"/").WantExit(0)
		t.Log(got.Stdout, got.Elapsed, got.CPU)
	}
}
