package program

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

const (
	// mostStdout and mostStderr are how much of a program's output is kept; the rest is read and thrown away.
	mostStdout = 16 << 20
	mostStderr = 1 << 20
	// drain is how long, after a program has ended, its output may be held open by those that it has started.
	drain = time.Second
)

// process is a program that was started.
type process struct {
	pid     int
	began   time.Time
	ended   chan end // takes its end
	stdout  *collector
	stderr  *collector
	copying sync.WaitGroup
	pipes   []*os.File // our ends
}

// start starts a program inside its namespace.
func (t *Table) start(req wire.ProgramRequest) (*process, error) {
	p := &process{ended: make(chan end, 1), stdout: &collector{most: mostStdout}, stderr: &collector{most: mostStderr}}
	in, feed, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("pipe: %w", err)
	}
	defer in.Close()
	out, outs, err := outputs()
	if err != nil {
		return nil, errors.Join(err, feed.Close())
	}
	p.pipes = slices.Concat(out, []*os.File{feed})
	dir := req.Dir
	if dir == "" {
		dir = "/"
	}
	err = t.spaces.Do(req.Netns, func() error {
		children.Lock()
		defer children.Unlock()
		p.began = time.Now()
		pid, err := syscall.ForkExec(req.Path, append([]string{req.Path}, req.Args...), &syscall.ProcAttr{
			Dir: dir, Env: req.Env,
			Files: []uintptr{in.Fd(), outs[0].Fd(), outs[1].Fd()},
			Sys:   &syscall.SysProcAttr{Setpgid: true},
		})
		if err != nil {
			return fmt.Errorf("run %s: %w", req.Path, err)
		}
		p.pid = pid
		children.waiting[pid] = p.ended
		return nil
	})
	for _, f := range outs {
		f.Close()
	}
	if err != nil {
		for _, f := range p.pipes {
			f.Close()
		}
		return nil, err
	}
	p.copying.Go(func() { _, _ = io.Copy(p.stdout, out[0]) })
	p.copying.Go(func() { _, _ = io.Copy(p.stderr, out[1]) })
	go func() {
		_, _ = feed.Write(req.Stdin) // a program need not read what it is given
		if !req.Hold {
			feed.Close()
		}
	}()
	return p, nil
}

// outputs makes the pipes for both outputs: the ends to read and the ends that the program gets.
func outputs() (ours, theirs []*os.File, err error) {
	for range 2 {
		r, w, err := os.Pipe()
		if err != nil {
			for _, f := range append(ours, theirs...) {
				f.Close()
			}
			return nil, nil, fmt.Errorf("pipe: %w", err)
		}
		ours, theirs = append(ours, r), append(theirs, w)
	}
	return ours, theirs, nil
}

func (p *process) kill() { _ = unix.Kill(-p.pid, unix.SIGKILL) }

// wait waits for the program's end, and kills it after the limit.
func (p *process) wait(limit time.Duration) wire.ProgramAnswer {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	var a wire.ProgramAnswer
	var e end
	select {
	case e = <-p.ended:
	case <-timer.C:
		a.TimedOut = true
		p.kill()
		e = <-p.ended
	}
	a.Elapsed = time.Since(p.began)
	a.CPU = time.Duration(e.usage.Utime.Nano() + e.usage.Stime.Nano())
	a.Exit = e.status.ExitStatus()
	if e.status.Signaled() {
		a.Signal = int(e.status.Signal())
	}
	p.kill() // what it has left behind
	p.collect()
	a.Stdout, a.Stderr = p.stdout.bytes(), p.stderr.bytes()
	return a
}

// collect reads what is left of the output.
func (p *process) collect() {
	complete := make(chan struct{})
	go func() {
		defer close(complete)
		p.copying.Wait()
	}()
	timer := time.NewTimer(drain)
	defer timer.Stop()
	select {
	case <-complete:
	case <-timer.C: // somebody outside of its group holds it
	}
	for _, f := range p.pipes {
		f.Close()
	}
	<-complete
}

// collector keeps the beginning of what is written to it.
type collector struct {
	mu   sync.Mutex
	most int
	buf  bytes.Buffer
}

// Write implements io.Writer. It takes everything.
func (c *collector) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buf.Write(b[:min(len(b), c.most-c.buf.Len())])
	return len(b), nil
}

func (c *collector) bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.buf.Bytes())
}
