package harness

import (
	"strings"
	"testing"
)

const wrkReport = `Running 1s test @ http://127.0.0.1:9999/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     9.57ms    3.54ms  16.31ms   57.95%
    Req/Sec     1.63k    64.53     1.70k    80.00%
  1760 requests in 1.09s, 195.94KB read
Requests/sec:   1610.50
Transfer/sec:    179.29KB
`

func TestParseWrk(t *testing.T) {
	got, err := parseWrk(wrkReport)
	if want := (WrkScore{Requests: 1760, PerSecond: 1610.50}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []string{"  Socket errors: connect 0, read 3, write 0, timeout 0\n", "  Non-2xx or 3xx responses: 7\n"} {
		_, err := parseWrk(strings.Replace(wrkReport, "Requests/sec", bad+"Requests/sec", 1))
		if err == nil || !strings.Contains(bad, err.Error()) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := parseWrk("unable to connect"); err == nil {
		t.Error("no error for what is no report")
	}
}
