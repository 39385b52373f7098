package load

import (
	"math"
	"sort"
	"time"
)

// more has a client that may have room for another request make it.
func (w *worker) more(i int) {
	c := &w.clients[i]
	switch {
	case len(c.unsent) > 0 || c.open > w.pipeline/2:
		// Requests go out in pieces of half of what may be under way at least.
	case c.fd >= 0 && c.last:
		// Nothing is asked any more on a connection that is being closed.
	case w.Rate > 0:
		if c.open == 0 && w.doneRounds(i) {
			w.retire(i)
		} else if c.open == 0 {
			c.free = true
			w.free.add(i)
		}
	default:
		if k := w.claim(i, w.pipeline-c.open); k > 0 {
			w.begin(i, k, w.now)
		} else if c.open == 0 {
			w.retire(i)
		}
	}
}

// claim takes up to k requests that a client may begin.
func (w *worker) claim(i, k int) int {
	if w.stopping {
		return 0
	}
	c := &w.clients[i]
	if w.Rounds > 0 {
		k = min(k, w.Rounds-c.begun)
	} else {
		k = w.claimAny(k)
	}
	c.begun += k
	return k
}

// doneRounds reports whether a client has made as many requests as each is to make.
func (w *worker) doneRounds(i int) bool { return w.Rounds > 0 && w.clients[i].begun >= w.Rounds }

// claimAny takes up to k of the requests that nobody has begun yet.
func (w *worker) claimAny(k int) int {
	if w.Requests == 0 {
		return k
	}
	if left := w.left.Add(int64(-k)); left < 0 {
		w.left.Add(min(-left, int64(k)))
		k = max(k+int(left), 0)
	}
	return k
}

// unclaim gives back a client's requests that were not answered for no fault of anybody's.
func (w *worker) unclaim(i, k int) {
	w.clients[i].begun -= k
	if w.Requests > 0 {
		w.left.Add(int64(k))
	}
}

// retire ends a client for good.
func (w *worker) retire(i int) {
	w.drop(i)
	w.active--
}

// due is when the next request of an open load is due: they are evenly spaced, and not put off by a server that is slow.
func (w *worker) due() int64 { return w.dueAt(w.assigned) }

// dueAt is when the worker's request with that number is due.
func (w *worker) dueAt(n int) int64 {
	ns := (float64(n)*float64(w.threads) + float64(w.index)) / w.Rate * 1e9
	if ns >= math.MaxInt64 { // in 292 years
		return math.MaxInt64
	}
	return int64(ns)
}

// assign gives the requests of an open load that are due to clients that have nothing to do. They take turns, so that as many
// connections are in use as there are.
func (w *worker) assign() {
	if w.Rate == 0 {
		return
	}
	for w.free.n > 0 {
		done := w.stopping || w.Requests > 0 && w.left.Load() <= 0
		if due := w.due(); !done && (due > w.now || w.past(due)) {
			return
		}
		i := w.free.next()
		w.clients[i].free = false
		if done || w.claim(i, 1) == 0 {
			w.retire(i)
			continue
		}
		due := w.due()
		w.assigned++
		w.begin(i, 1, due)
	}
}

// past reports whether the load ends before a time, or at it.
func (w *worker) past(t int64) bool { return w.Duration > 0 && t >= int64(w.Duration) }

// late is how many requests of an open load were due by now, or by its end, and have found no client. Those are taken from what nobody
// has begun yet.
func (w *worker) late() int {
	if w.Rate == 0 {
		return 0
	}
	due := func(n int) bool { t := w.dueAt(n); return t <= w.now && !w.past(t) }
	to := w.assigned + sort.Search(math.MaxInt-w.assigned, func(k int) bool { return !due(w.assigned + k) })
	if w.Rounds == 0 {
		return w.claimAny(to - w.assigned)
	}
	return min(to, w.Rounds*w.conns) - w.assigned
}

// abandon gives up the requests that were due and never sent. Each had waited until now, and an answer would have taken longer.
func (w *worker) abandon() {
	if w.waited == nil {
		return
	}
	w.tick()
	const groups = 10000 // of as many as can be due, each of which counts as the last of its group
	size := w.result.Late/groups + 1
	for n := 0; n < w.result.Late; n += size {
		k := min(size, w.result.Late-n)
		record(w.waited, w.now-w.dueAt(w.assigned+n+k-1), int64(k))
	}
}

// wake takes clients out of their rest.
func (w *worker) wake() {
	n := 0
	for n < len(w.resting) && (w.stopping || w.now-w.clients[w.resting[n]].since >= int64(retryAfter)) {
		n++
	}
	w.ready = append(w.ready, w.resting[:n]...)
	w.resting = w.resting[n:]
}

// beginReady has every client that is ready begin.
func (w *worker) beginReady() {
	batch := w.ready
	w.ready = w.ready[len(w.ready):]
	for _, i := range batch {
		w.more(i)
	}
}

// timeout is how long epoll may wait.
func (w *worker) timeout() time.Duration {
	if len(w.ready) > 0 {
		return 0
	}
	next := w.look
	if len(w.resting) > 0 {
		next = min(next, w.clients[w.resting[0]].since+int64(retryAfter))
	}
	if w.free.n > 0 {
		next = min(next, w.due())
	}
	if w.Duration > 0 && !w.stopping {
		next = min(next, int64(w.Duration))
	}
	return time.Duration(next - w.now)
}
