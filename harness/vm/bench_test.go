package vm

import (
	"slices"
	"testing"
	"time"
)

// BenchmarkClone takes clones one after another. ns/op is a whole life, from the request to the last trace of the guest
// being gone; the other figures are medians: from the request to the first answer, and of that until QEMU ran, until the
// clone's processors ran, and from there to the answer.
func BenchmarkClone(b *testing.B) {
	for _, clock := range []Clock{Realtime, Instructions} {
		b.Run(string(clock), func(b *testing.B) {
			s := stock(b)
			s.Clock = clock
			clone(b, s).Close() // makes the template where there is none
			measure(b, func() *Guest { return clone(b, s) })
		})
	}
}

// BenchmarkBoot boots guests from cold.
func BenchmarkBoot(b *testing.B) {
	s := stock(b)
	measure(b, func() *Guest {
		g, err := Boot(b.Context(), s)
		if err != nil {
			detail(b, err)
		}
		return g
	})
}

// measure reports the median times in ms of the guests that start returns.
func measure(b *testing.B, start func() *Guest) {
	b.Helper()
	var answered, started, restored, rest []time.Duration
	for b.Loop() {
		g := start()
		t := g.Timing()
		answered = append(answered, t.Answered)
		started = append(started, t.Started)
		restored = append(restored, t.Restored-t.Started)
		rest = append(rest, t.Answered-t.Restored)
		if err := g.Close(); err != nil {
			b.Error(err)
		}
	}
	for unit, all := range map[string][]time.Duration{
		"ms-answer": answered, "ms-start": started, "ms-restore": restored, "ms-first-request": rest,
	} {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2])/float64(time.Millisecond), unit)
	}
	slices.Sort(answered)
	b.ReportMetric(float64(answered[0])/float64(time.Millisecond), "ms-best")
	b.ReportMetric(float64(answered[len(answered)*95/100])/float64(time.Millisecond), "ms-p95")
}
