package load

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ktcp/guest/wire"
)

func TestWriteSummary(t *testing.T) {
	var b strings.Builder
	err := WriteSummary(&b, wire.LoadResult{
		Good: 90, Wrong: 2, Status: 3, Reset: 5, Sample: "status 404", Elapsed: 2 * time.Second, Conns: 7,
		Received: 4e6, Sent: 2e6,
		Latency: wire.Latency{
			Count: 90, Min: 900, Mean: 1234 * time.Microsecond, StdDev: 10 * time.Microsecond, Max: 2 * time.Second,
			Percentiles: []wire.Percentile{{Percent: 25, Value: 1}, {Percent: 50, Value: time.Millisecond}, {Percent: 99.99, Value: time.Second}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `requests:      100
good requests: 90 [90%]
bad requests:  5 [5%]
socket errors: 5 [5%]
seconds:       2.000
requests/sec:  45.000
connections:   7
MB/sec:        2.000 received, 1.000 sent
response time: mean 1.23 ms, standard deviation 10 us, min 900 ns, max 2.000 s
       50%  1 ms
    99.99%  1.000 s
trouble:       2 wrong answers, 3 with a status that is not 2xx or 3xx, 5 reset
first:         status 404
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

// TestSummaryOfTooMuch checks that what was never sent is in the response times, which say so.
func TestSummaryOfTooMuch(t *testing.T) {
	times := func(each time.Duration, n int64) wire.Latency {
		h := newHistogram()
		record(h, int64(each), n)
		l, err := describe(h)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	var b strings.Builder
	err := WriteSummary(&b, wire.LoadResult{
		Good: 80, Timeout: 2, Late: 18, Latency: times(time.Millisecond, 80), Waited: times(2*time.Second, 20), Elapsed: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(b.String(), "sent\n")
	want := `response time: mean >= 401 ms, standard deviation 800 ms, min >= 1 ms, max >= 2.001 s
       50%  >= 1 ms
       75%  >= 1 ms
       90%  >= 2.001 s
       95%  >= 2.001 s
       99%  >= 2.001 s
     99.9%  >= 2.001 s
    99.99%  >= 2.001 s
trouble:       2 timeouts
not sent:      18 of 100 requests that were due found every client busy until the end
>=             20 requests that got no answer are among the response times with the time that they had waited
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

func TestProgress(t *testing.T) {
	var b strings.Builder
	p := &Progress{Out: &b, Requests: 1000}
	stop := p.Start()
	p.Answered.Store(1000)
	stop()
	want := "0 requests\n100 requests\n200 requests\n300 requests\n400 requests\n500 requests\n600 requests\n" +
		"700 requests\n800 requests\n900 requests\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("in a pipe (-want +got):\n%s", diff)
	}
	b.Reset()
	bar := &Progress{Out: &b, Requests: 1000, Terminal: true}
	bar.show(0.6)
	if want := "\rProgress : [########################                ] 60%"; b.String() != want {
		t.Errorf("on a terminal %q, want %q", b.String(), want)
	}
}
