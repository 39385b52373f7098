package load

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"

	"ktcp/guest/epoll"
	"ktcp/guest/wire"
)

const (
	// looksPerPatience is how often within the time that a client may be without progress it is checked.
	looksPerPatience = 10
	// stopEvent is what epoll says instead of a client's index when the load is to stop.
	stopEvent = -1
	// recvBuffer is shared by the clients of a worker: none keeps what it received.
	recvBuffer = 64 << 10
	// maxEvents are taken from epoll at once.
	maxEvents = 256
)

// worker drives a part of the clients on one thread.
type worker struct {
	*plan
	index int           // among the workers
	left  *atomic.Int64 // requests that nobody has begun yet, where their number is limited
	stop  int           // eventfd
	conns int

	passed   bool // the gate
	to       unix.Sockaddr
	epoll    int
	base     time.Time // times are ns since then
	now      int64
	look     int64 // when clients are next checked for progress
	clients  []client
	times    []int64 // for each client a ring of when its requests were due
	ready    []int   // clients that are to begin a request
	resting  []int   // clients that wait before they try again, in the order in which they do
	free     turns   // clients that an open load has no request for
	assigned int     // requests of an open load that were begun
	active   int     // clients that are not done for good
	stopping bool
	buf      []byte
	answers  answers

	result   wire.LoadResult
	latency  *hdrhistogram.Histogram // nil where nothing is measured
	waited   *hdrhistogram.Histogram // of requests that got no answer; nil but for an open load that measures
	count    int64                   // answers and failures
	told     int64                   // those that Answered knows of
	streak   int                     // failures since the server last showed that it is there
	lastGood int64
	lastErr  error
}

// prepare makes what the worker needs and, for a load that measures, connects its clients.
func (w *worker) prepare() (err error) {
	if w.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("load: epoll_create: %w", err)
	}
	stop := &unix.EpollEvent{Events: unix.EPOLLIN, Fd: stopEvent}
	if err := unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, w.stop, stop); err != nil {
		return fmt.Errorf("load: epoll_ctl: %w", err)
	}
	w.to = w.sockaddr()
	w.buf = make([]byte, recvBuffer)
	w.answers = w.newAnswers()
	w.clients = make([]client, w.conns)
	w.times = make([]int64, w.conns*w.pipeline)
	w.free = newTurns(w.conns)
	w.active = w.conns
	for i := range w.clients {
		w.clients[i].fd = -1
		w.clients[i].asks = (w.index + i) % w.script.n
		w.ready = append(w.ready, i)
	}
	if !w.measures {
		return nil
	}
	w.latency = newHistogram()
	if w.Rate > 0 {
		w.waited = newHistogram()
	}
	return w.connectAll()
}

// run drives the clients until all are done.
func (w *worker) run() error {
	defer w.schedule()()
	defer w.abandon()
	w.tick()
	w.look = w.now + int64(w.Patience)/looksPerPatience
	events := make([]unix.EpollEvent, min(w.conns+1, maxEvents))
	for w.active > 0 {
		n, err := epoll.Wait(w.epoll, events, w.timeout())
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("load: epoll_wait: %w", err)
		}
		w.tick()
		for _, e := range events[:n] {
			if e.Fd == stopEvent {
				_ = unix.EpollCtl(w.epoll, unix.EPOLL_CTL_DEL, w.stop, nil)
				w.beginStop()
			} else if i := int(e.Fd); w.clients[i].fd >= 0 {
				w.event(i, e.Events)
			}
		}
		if w.past(w.now) {
			w.beginStop()
		}
		w.wake()
		w.expire()
		w.beginReady()
		w.assign()
		w.tell()
		if w.gone() {
			w.beginStop()
			return fmt.Errorf("%w: %w", ErrGone, w.lastErr)
		}
	}
	return nil
}

// tick looks at the clock.
func (w *worker) tick() { w.now = int64(time.Since(w.base)) }

// tell publishes how far the worker is.
func (w *worker) tell() {
	if w.Answered != nil && w.count > w.told {
		w.Answered.Add(w.count - w.told)
		w.told = w.count
	}
}

// beginStop lets no client begin another request.
func (w *worker) beginStop() {
	if w.stopping {
		return
	}
	if w.Rate > 0 { // for what was due before, and of which a busy machine tells only now
		w.wake()
		w.beginReady()
		w.assign()
	}
	w.result.Late = w.late()
	w.stopping = true
}

// close closes all that is open.
func (w *worker) close() {
	for i := range w.clients {
		w.drop(i)
	}
	_ = unix.Close(w.epoll)
}

// connectAll connects the clients one after the other, before the clock starts, or tries it with one where each request
// has a connection of its own.
func (w *worker) connectAll() error {
	for i := range w.clients {
		err := w.connect(i)
		if err == nil {
			err = w.await(w.clients[i].fd)
		}
		if err != nil {
			which := ""
			if w.conns > 1 && i > 0 {
				which = fmt.Sprintf(" client %d of %d", i+1, w.conns)
			}
			return fmt.Errorf("%w%s to %s: %w", ErrUnreachable, which, w.Addr, err)
		}
		if !w.KeepAlive {
			w.drop(i)
			break
		}
	}
	w.result.Conns = 0
	if w.KeepAlive {
		w.result.Conns = w.conns
	}
	return nil
}

// await waits until a connection is there or has failed.
func (w *worker) await(fd int) error {
	polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	for {
		n, err := unix.Poll(polled, int(w.Patience/time.Millisecond))
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return fmt.Errorf("poll: %w", err)
		case n == 0:
			return fmt.Errorf("no answer for %v: %w", w.Patience, unix.ETIMEDOUT)
		}
		break
	}
	errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && errno != 0 {
		err = unix.Errno(errno)
	}
	return err
}
