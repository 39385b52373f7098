package load

import (
	"fmt"
	"io"
	"strings"
	"time"

	"ktcp/guest/wire"
)

// WriteSummary writes a result as htstress does, and then the response times and what went wrong. Where requests of an open load got no
// answer, their times are among the others, as long as they had waited, and all are marked as the least that they can be: without
// them, a server would look the better the fewer requests it had time for.
func WriteSummary(w io.Writer, r wire.LoadResult) error {
	times, err := responseTimes(r)
	if err != nil {
		return err
	}
	var b strings.Builder
	n := r.Requests()
	percent := func(k int) string {
		if n == 0 {
			return "0%"
		}
		return fmt.Sprintf("%d%%", k*100/n)
	}
	fmt.Fprintf(&b, "requests:      %d\n", n)
	for _, line := range []struct {
		name string
		k    int
	}{{"good requests:", r.Good}, {"bad requests:", r.BadRequests()}, {"socket errors:", r.SocketErrors()}} {
		fmt.Fprintf(&b, "%-14s %d [%s]\n", line.name, line.k, percent(line.k))
	}
	fmt.Fprintf(&b, "seconds:       %.3f\n", r.Elapsed.Seconds())
	fmt.Fprintf(&b, "requests/sec:  %.3f\n", r.PerSecond())
	fmt.Fprintf(&b, "connections:   %d\n", r.Conns)
	if r.Elapsed > 0 {
		fmt.Fprintf(&b, "MB/sec:        %.3f received, %.3f sent\n",
			float64(r.Received)/1e6/r.Elapsed.Seconds(), float64(r.Sent)/1e6/r.Elapsed.Seconds())
	}
	writeLatency(&b, times, r.Waited.Count > 0)
	writeTrouble(&b, r)
	_, err = io.WriteString(w, b.String())
	return err
}

// responseTimes are those of the good answers and what is known of those that did not come.
func responseTimes(r wire.LoadResult) (wire.Latency, error) {
	if r.Waited.Count == 0 {
		return r.Latency, nil
	}
	all := newHistogram()
	for _, l := range []wire.Latency{r.Latency, r.Waited} {
		if l.Count == 0 {
			continue
		}
		h, err := l.Histogram()
		if err != nil {
			return wire.Latency{}, err
		}
		all.Merge(h)
	}
	return describe(all)
}

// writeLatency writes response times, which with least are the least that they can be.
func writeLatency(b *strings.Builder, l wire.Latency, least bool) {
	if l.Count == 0 {
		return
	}
	mark := ""
	if least {
		mark = ">= "
	}
	fmt.Fprintf(b, "response time: mean %s%s, standard deviation %s, min %s%s, max %s%s\n",
		mark, short(l.Mean), short(l.StdDev), mark, short(l.Min), mark, short(l.Max))
	for _, p := range l.Percentiles {
		if p.Percent >= 50 && p.Percent < 100 {
			fmt.Fprintf(b, "  %7.6g%%  %s%s\n", p.Percent, mark, short(p.Value))
		}
	}
}

// writeTrouble says what went wrong.
func writeTrouble(b *strings.Builder, r wire.LoadResult) {
	var parts []string
	for _, t := range []struct {
		k    int
		what string
	}{
		{r.Wrong, "wrong answers"},
		{r.Status, "with a status that is not 2xx or 3xx"},
		{r.Short, "answers cut short"},
		{r.Refused, "refused"},
		{r.NoPort, "with no port left (TIME_WAIT)"},
		{r.Reset, "reset"},
		{r.Empty, "closed without an answer"},
		{r.Timeout, "timeouts"},
		{r.Other, "other errors"},
		{r.Idle, "connections that failed between requests"},
		{r.Unasked, "connections that brought bytes nobody asked for"},
	} {
		if t.k > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", t.k, t.what))
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(b, "trouble:       %s\n", strings.Join(parts, ", "))
	}
	if r.Sample != "" {
		fmt.Fprintf(b, "first:         %s\n", r.Sample)
	}
	if r.Late > 0 {
		fmt.Fprintf(b, "not sent:      %d of %d requests that were due found every client busy until the end\n", r.Late, r.Requests()+r.Late)
	}
	if r.Waited.Count > 0 {
		fmt.Fprintf(b, ">=             %d requests that got no answer are among the response times with the time that they had waited\n", r.Waited.Count)
	}
}

// short is a duration with three significant digits.
func short(d time.Duration) string {
	switch {
	case d < time.Microsecond:
		return fmt.Sprintf("%d ns", d.Nanoseconds())
	case d < 999500*time.Nanosecond: // which is 1 ms
		return fmt.Sprintf("%.3g us", float64(d)/float64(time.Microsecond))
	case d < 999500*time.Microsecond:
		return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
	default:
		return fmt.Sprintf("%.3f s", d.Seconds())
	}
}
