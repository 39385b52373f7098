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

// WriteLoop has several threads write to one file at once. Each opens it for itself, since the kernel serializes
// writes through one open file, and all begin together.
func (s Files) WriteLoop(req wire.WriteLoopRequest) (wire.WriteLoopAnswer, error) {
	if len(req.Values) == 0 || req.Count < 0 || req.Threads < 0 || req.Threads > maxThreads {
		return wire.WriteLoopAnswer{}, fmt.Errorf("write loop on %s: %d values, %d writes by %d threads: %w", req.Path,
			len(req.Values), req.Count, req.Threads, syscall.EINVAL)
	}
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
					total.add(writeValues(func(v []byte) error { return writeOnce(fd, v) }, req.Values, req.Count, i))
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
