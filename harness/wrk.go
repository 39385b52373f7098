package harness

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// WrkRun is one measurement by wrk.
type WrkRun struct {
	Conns    int
	Pipeline int           // requests sent at once; 0 means 1
	Close    bool          // a connection for each request
	Pause    time.Duration // whole milliseconds that a connection waits after each answer: to see that they come, not how fast
	For      time.Duration // whole seconds of guest time; 0 means 1 s
	Path     string        // "" means /
}

// WrkScore is what wrk counted.
type WrkScore struct {
	Requests  int
	PerSecond float64
}

const wrkPipeline = `init = function(args)
	local r = {}
	for i = 1, tonumber(args[1]) do r[i] = wrk.format(nil, wrk.path) end
	req = table.concat(r)
end
request = function() return req end
`

const wrkPause = "delay = function() return %d end\n"

var (
	wrkRate  = regexp.MustCompile(`(?m)^Requests/sec:\s+([0-9.]+)$`)
	wrkCount = regexp.MustCompile(`(?m)^\s+(\d+) requests in `)
	wrkBad   = regexp.MustCompile(`(?m)^\s+(Socket errors:.*|Non-2xx or 3xx responses:.*)$`)
)

// Wrk measures a server in the guest with wrk, on one thread. Any request that was not answered as it should be fails
// the test.
func (g *Guest) Wrk(addr string, run WrkRun) WrkScore {
	g.tb.Helper()
	wrk := g.Program("wrk")
	duration := max(run.For, time.Second)
	args := []string{"-t1", fmt.Sprintf("-c%d", run.Conns), fmt.Sprintf("-d%ds", int(duration.Seconds()))}
	if run.Close {
		args = append(args, "-H", "Connection: close")
	}
	text := ""
	if run.Pipeline > 1 {
		text = wrkPipeline
	}
	if run.Pause > 0 {
		text += fmt.Sprintf(wrkPause, run.Pause.Milliseconds())
	}
	if text != "" {
		const script = "/tmp/wrk.lua"
		g.Put(script, 0o644, []byte(text))
		args = append(args, "-s", script)
	}
	path := run.Path
	if path == "" {
		path = "/"
	}
	args = append(args, "http://"+addr+path)
	if run.Pipeline > 1 {
		args = append(args, "--", strconv.Itoa(run.Pipeline))
	}
	out := wrk.Run(args...).WantExit(0)
	score, err := parseWrk(out.Stdout)
	if err != nil {
		g.tb.Fatalf("%s: %v", out.command, err)
	}
	return score
}

// parseWrk reads wrk's report.
func parseWrk(text string) (s WrkScore, err error) {
	if bad := wrkBad.FindStringSubmatch(text); bad != nil {
		return s, fmt.Errorf("%s", bad[1])
	}
	rate, count := wrkRate.FindStringSubmatch(text), wrkCount.FindStringSubmatch(text)
	if rate == nil || count == nil {
		return s, fmt.Errorf("not a report of wrk: %q", text)
	}
	if s.Requests, err = strconv.Atoi(count[1]); err != nil {
		return s, err
	}
	s.PerSecond, err = strconv.ParseFloat(rate[1], 64)
	return s, err
}
