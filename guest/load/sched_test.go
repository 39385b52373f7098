package load

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/guest/epoll"
	"ktcp/guest/thread"
	"ktcp/guest/wire"
)

// slack is how much longer than it asked for, in ns, the kernel may let the calling thread sleep.
func slack(t testing.TB) int {
	t.Helper()
	ns, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		t.Error(err)
	}
	return ns
}

// lookingOn calls look on the worker's thread whenever an answer comes.
type lookingOn struct {
	answers
	look func()
}

func (l lookingOn) take(c *client, part []byte) (int, verdict) {
	l.look()
	return l.answers.take(c, part)
}

// newWorker returns a worker that is alone with all clients of a load, and prepared.
func newWorker(t testing.TB, req wire.LoadRequest) *worker {
	t.Helper()
	p, err := Spec{LoadRequest: req}.validate()
	if err != nil {
		t.Fatal(err)
	}
	p.threads = 1
	stop, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	w := &worker{plan: p, left: left(p), stop: stop, conns: p.Conns}
	t.Cleanup(func() { w.close(); unix.Close(stop) })
	if err := w.prepare(); err != nil {
		t.Fatal(err)
	}
	w.base = time.Now()
	return w
}

// TestThreadIsOnTime checks that a thread that has to be on time may not be let sleep longer, and that others are left alone.
func TestThreadIsOnTime(t *testing.T) {
	addr := serve(t, echo)
	for _, tt := range []struct {
		protocol wire.LoadProtocol
		rate     float64
	}{{wire.LoadEcho, 10000}, {wire.LoadRaw, 10000}, {wire.LoadEcho, 0}} {
		req := wire.LoadRequest{
			Addr: addr, Protocol: tt.protocol, Conns: 1, Requests: 20, Rate: tt.rate, KeepAlive: true, Size: 1, Send: []byte("x"),
		}
		w := newWorker(t, req)
		var seen []int
		w.answers = lookingOn{w.answers, func() { seen = append(seen, slack(t)) }}
		var before, after int
		err := thread.Run(func() (bool, error) {
			before = slack(t)
			err := w.run()
			after = slack(t)
			return true, err
		})
		want := before
		if tt.rate > 0 {
			want = 1
		}
		if err != nil || len(seen) != 20 || slices.Min(seen) != want || slices.Max(seen) != want || after != before {
			t.Errorf("%q at %g a second: %v, slack of %d ns, want %d, and %d afterwards, want %d", tt.protocol, tt.rate, err, seen, want, after, before)
		}
	}
}

// BenchmarkLateness measures how much later than it asked for a thread is woken, at the median, as it is and as a load has it.
func BenchmarkLateness(b *testing.B) {
	const nap = 200 * time.Microsecond
	for name, prepare := range map[string]func() func(){"ordinary": func() func() { return func() {} }, "on-time": beOnTime} {
		b.Run(name, func(b *testing.B) {
			err := thread.Run(func() (bool, error) {
				defer prepare()()
				fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
				if err != nil {
					return true, err
				}
				defer unix.Close(fd)
				events := make([]unix.EpollEvent, 1)
				var late []time.Duration
				for b.Loop() {
					began := time.Now()
					if _, err := epoll.Wait(fd, events, nap); err == nil { // and not a signal of the runtime
						late = append(late, time.Since(began)-nap)
					}
				}
				slices.Sort(late)
				b.ReportMetric(float64(late[len(late)/2])/1e3, "us-late")
				return true, nil
			})
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}
