package files

import (
	"errors"
	"fmt"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"ktcp/guest/thread"
	"ktcp/guest/wire"
)

// maxThreads bounds the threads of one loop.
const maxThreads = 256

// Loops are the loops that write while the host does other things.
type Loops struct {
	files Files

	mu      sync.Mutex
	last    int
	running map[int]*loop
}

// loop is what becomes of one.
type loop struct {
	ended  chan struct{}
	answer wire.WriteLoopAnswer // with err, valid once ended is closed
	err    error
}

// NewLoops returns no loops, which will write to files.
func NewLoops(files Files) *Loops { return &Loops{files: files, running: map[int]*loop{}} }

// Start has several threads begin to write, and returns when one of them has done so once, whatever came of it, or when there is
// nothing to wait for any more. [Loops.Wait] says how it went.
func (l *Loops) Start(req wire.WriteLoopRequest) (wire.WriteLoopStartAnswer, error) {
	if len(req.Values) == 0 || req.Count < 0 || req.Threads < 0 || req.Threads > maxThreads {
		return wire.WriteLoopStartAnswer{}, fmt.Errorf("write loop on %s: %d values, %d writes by %d threads: %w", req.Path,
			len(req.Values), req.Count, req.Threads, syscall.EINVAL)
	}
	this := &loop{ended: make(chan struct{})}
	begun := make(chan struct{})
	go func() {
		defer close(this.ended)
		this.answer, this.err = l.files.writeLoop(req, sync.OnceFunc(func() { close(begun) }))
	}()
	select {
	case <-begun:
	case <-this.ended:
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	l.running[l.last] = this
	return wire.WriteLoopStartAnswer{Loop: l.last}, nil
}

// Wait waits for the end of a loop and says how it went. It can be asked once.
func (l *Loops) Wait(req wire.WriteLoopWaitRequest) (wire.WriteLoopAnswer, error) {
	l.mu.Lock()
	this, ok := l.running[req.Loop]
	delete(l.running, req.Loop)
	l.mu.Unlock()
	if !ok {
		return wire.WriteLoopAnswer{}, fmt.Errorf("write loop %d: %w", req.Loop, syscall.ESRCH)
	}
	<-this.ended
	return this.answer, this.err
}

// writeLoop has several threads write to one file at once. Each opens it for itself, since the kernel serializes
// writes through one open file, and all begin together. It calls begun after each thread's first write.
func (s Files) writeLoop(req wire.WriteLoopRequest, begun func()) (wire.WriteLoopAnswer, error) {
	threads := max(req.Threads, 1)
	total := outcomes{errnos: map[int]int{}}
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	errs := make(chan error, threads)
	ready.Add(threads)
	for i := range threads {
		done.Go(func() {
			var opened sync.Once
			// No other goroutine may share the thread: as many threads as were asked for are in the kernel at once.
			err := thread.Run(func() (reuse bool, err error) {
				return true, s.Enter(req.Netns, func() error {
					fd, err := openForWriting(s.Translate(req.Netns, req.Path))
					opened.Do(ready.Done)
					if err != nil {
						return err
					}
					defer unix.Close(fd)
					<-start
					write := func(v []byte) error {
						defer begun()
						return writeOnce(fd, v)
					}
					total.add(writeValues(write, req.Values, req.Count, i))
					return nil
				})
			})
			opened.Do(ready.Done) // where it did not come that far
			if err != nil {
				errs <- err
			}
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	select {
	case err := <-errs:
		return wire.WriteLoopAnswer{}, named(err, req.Path)
	default:
		return total.answer(), nil
	}
}

// afterGone is how many writes in a row may find that what the open file belonged to has gone, with ENODEV, before a thread has seen enough:
// kernfs does not bring it back, and thousands more would only keep the processors busy.
const afterGone = 100

// writeValues writes the values in turn, count times in all, or until the file has been dead for a while. Threads begin with different values,
// so that starts meet stops.
func writeValues(write func([]byte) error, values []string, count, first int) (ok int, errnos map[int]int) {
	bytes := make([][]byte, len(values))
	for i, v := range values {
		bytes[i] = []byte(v)
	}
	errnos = map[int]int{}
	gone := 0
	for i := 0; i < count && gone < afterGone; i++ {
		err := write(bytes[(first+i)%len(bytes)])
		var errno syscall.Errno
		switch {
		case err == nil:
			ok++
		case errors.As(err, &errno):
			errnos[int(errno)]++
		default:
			errnos[int(syscall.EIO)]++ // cut short
		}
		if errno == syscall.ENODEV {
			gone++
		} else {
			gone = 0
		}
	}
	return ok, errnos
}

// outcomes collects what the threads saw.
type outcomes struct {
	mu     sync.Mutex
	ok     int
	errnos map[int]int
}

func (o *outcomes) add(ok int, errnos map[int]int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ok += ok
	for e, n := range errnos {
		o.errnos[e] += n
	}
}

func (o *outcomes) answer() wire.WriteLoopAnswer {
	texts := map[int]string{}
	for e := range o.errnos {
		texts[e] = syscall.Errno(e).Error()
	}
	return wire.WriteLoopAnswer{OK: o.ok, Errnos: o.errnos, Texts: texts}
}
