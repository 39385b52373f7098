package load

import (
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// looksPerPatience is how often within the time that a client may be without progress it is checked.
const looksPerPatience = 10

// stopEvent is what epoll says instead of a client's index when the load is to stop.
const stopEvent = -1

// recvBuffer is shared by the clients of a worker: none keeps what it received.
const recvBuffer = 64 << 10

// worker drives a part of the clients on one thread.
type worker struct {
	*plan
	left  *atomic.Int64 // requests that nobody has begun yet, where their number is limited
	stop  int           // eventfd
	conns int

	to       unix.Sockaddr
	epoll    int
	now      time.Time
	look     time.Time // when clients are next checked for progress
	clients  []client
	ready    []int // clients that are to begin a request
	resting  []int // clients that wait before they try again, in the order in which they do
	active   int   // clients that are not done for good
	stopping bool
	buf      []byte
	result   wire.LoadResult
}

// run drives the clients until all are done.
func (w *worker) run() error {
	var err error
	if w.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("load: epoll_create: %w", err)
	}
	defer unix.Close(w.epoll)
	if err := w.watch(w.stop, unix.EPOLLIN, stopEvent); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	w.to = w.sockaddr()
	w.buf = make([]byte, recvBuffer)
	w.clients = make([]client, w.conns)
	w.active = w.conns
	w.now = time.Now()
	w.look = w.now.Add(w.Patience / looksPerPatience)
	for i := range w.clients {
		w.clients[i].fd = -1
		w.ready = append(w.ready, i)
	}
	events := make([]unix.EpollEvent, min(w.conns+1, 256))
	for w.active > 0 {
		n, err := unix.EpollWait(w.epoll, events, w.timeout())
		if err != nil && err != unix.EINTR {
			w.closeAll()
			return fmt.Errorf("load: epoll_wait: %w", err)
		}
		w.now = time.Now()
		for _, e := range events[:max(n, 0)] {
			if e.Fd == stopEvent {
				w.beginStop()
			} else if c := int(e.Fd); w.clients[c].fd >= 0 {
				w.step(c)
			}
		}
		w.wake()
		w.expire()
		w.beginReady()
	}
	return nil
}

// watch adds a descriptor to the epoll under a name of 32 bits.
func (w *worker) watch(fd int, events uint32, name int) error {
	if err := unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(name)}); err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}

// timeout is how long epoll may wait, in milliseconds.
func (w *worker) timeout() int {
	if len(w.ready) > 0 {
		return 0
	}
	next := w.look
	if len(w.resting) > 0 {
		if t := w.clients[w.resting[0]].since.Add(retryAfter); t.Before(next) {
			next = t
		}
	}
	d := time.Until(next)
	if d <= 0 {
		return 0
	}
	return int((d + time.Millisecond - 1) / time.Millisecond)
}

// beginStop lets no client begin another request.
func (w *worker) beginStop() {
	if w.stopping {
		return
	}
	w.stopping = true
	_ = unix.EpollCtl(w.epoll, unix.EPOLL_CTL_DEL, w.stop, nil)
	w.ready = append(w.ready, w.resting...)
	w.resting = nil
}

// wake takes clients out of their rest.
func (w *worker) wake() {
	n := 0
	for n < len(w.resting) && w.now.Sub(w.clients[w.resting[n]].since) >= retryAfter {
		n++
	}
	w.ready = append(w.ready, w.resting[:n]...)
	w.resting = w.resting[n:]
}

// expire counts a timeout for every client that has made no progress for too long.
func (w *worker) expire() {
	if w.now.Before(w.look) {
		return
	}
	w.look = w.now.Add(w.Patience / looksPerPatience)
	for i := range w.clients {
		if c := &w.clients[i]; c.fd >= 0 && c.busy && w.now.Sub(c.since) >= w.Patience {
			w.result.Timeout++
			w.rest(i)
		}
	}
}

// beginReady has every client that is ready begin a request. Those that are ready again at once, since their server
// answered before the system call had returned, wait for their turn until the other events have been seen.
func (w *worker) beginReady() {
	batch := w.ready
	w.ready = nil
	for _, i := range batch {
		if w.stopping || (w.Requests > 0 && w.left.Add(-1) < 0) {
			w.drop(i)
			w.active--
			continue
		}
		w.begin(i)
	}
}

func (w *worker) closeAll() {
	for i := range w.clients {
		w.drop(i)
	}
}
