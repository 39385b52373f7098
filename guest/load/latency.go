package load

import (
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"ktcp/guest/wire"
)

const (
	// longest is the longest response time that is told apart from longer ones. An open load whose server does not keep up has longer
	// ones.
	longest = 10 * time.Minute
	// digits of a response time that are kept.
	digits = 3
)

// percents are the percentiles that a result names.
var percents = []float64{1, 10, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 100}

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, int64(longest), digits) }

// record adds n response times of ns each. None is left out: one that is longer than the longest counts as that.
func record(h *hdrhistogram.Histogram, ns, n int64) {
	if err := h.RecordValues(min(max(ns, 0), int64(longest)), n); err != nil {
		panic(err) // there is room for each of these values
	}
}

// describe makes a distribution of the recorded times.
func describe(h *hdrhistogram.Histogram) (wire.Latency, error) {
	if h.TotalCount() == 0 {
		return wire.Latency{}, nil
	}
	l := wire.Latency{
		Count: h.TotalCount(), Min: time.Duration(h.Min()), Mean: time.Duration(h.Mean()),
		StdDev: time.Duration(h.StdDev()), Max: time.Duration(h.Max()),
	}
	for i, v := range h.ValueAtPercentilesSlice(percents) {
		l.Percentiles = append(l.Percentiles, wire.Percentile{Percent: percents[i], Value: time.Duration(v)})
	}
	var err error
	if l.HDR, err = h.Encode(hdrhistogram.V2CompressedEncodingCookieBase); err != nil {
		return wire.Latency{}, fmt.Errorf("encode the histogram: %w", err)
	}
	return l, nil
}
