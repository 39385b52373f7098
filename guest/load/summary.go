package load

import (
	"fmt"
	"io"
	"strings"
	"time"

	"ktcp/guest/wire"
)

// WriteSummary writes a result as htstress does, and then the response times and what went wrong.
func WriteSummary(w io.Writer, r wire.LoadResult) error {
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
	writeLatency(&b, r.Latency)
	writeTrouble(&b, r)
	_, err := io.WriteString(w, b.String())
	return err
}

func writeLatency(b *strings.Builder, l wire.Latency) {
	if l.Count == 0 {
		return
	}
	fmt.Fprintf(b, "response time: mean %s, standard deviation %s, min %s, max %s\n",
		short(l.Mean), short(l.StdDev), short(l.Min), short(l.Max))
	for _, p := range l.Percentiles {
		if p.Percent >= 50 && p.Percent < 100 {
			fmt.Fprintf(b, "  %7.6g%%  %s\n", p.Percent, short(p.Value))
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
		fmt.Fprintf(b, "not sent:      %d requests were due and found every client busy\n", r.Late)
	}
}

// short is a duration with three significant digits.
func short(d time.Duration) string {
	switch {
	case d < time.Microsecond:
		return fmt.Sprintf("%d ns", d.Nanoseconds())
	case d < time.Millisecond:
		return fmt.Sprintf("%.3g us", float64(d)/float64(time.Microsecond))
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
	default:
		return fmt.Sprintf("%.3f s", d.Seconds())
	}
}
