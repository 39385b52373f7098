package vm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hugelgupf/vmtest/qemu"
	"golang.org/x/sys/unix"

	"ktcp/harness/cache"
)

// launch says what QEMU is started with.
type launch struct {
	emulator emulator
	shape    shape
	cache    *cache.Dir

	// kernel, initramfs and cmdline are empty in a clone: what it runs is in its memory.
	kernel    string
	initramfs string
	cmdline   string

	ram      *os.File // backs the guest's memory; nil for anonymous memory. It stays the caller's.
	shared   bool
	incoming bool
	state    *os.File // the reading end of a clone's saved state. It stays the caller's.

	console string // file for the console, or ""
}

// process is a running QEMU with everything that belongs to it.
type process struct {
	vm      *qemu.VM
	console *console
	monitor *monitor
	session *session
	started time.Time
	stateFD int // the number of launch.state in QEMU

	closing atomic.Bool
	dead    chan struct{} // closed when QEMU is gone and nothing of it is left
	death   *DeadError    // read it after dead
	lost    error         // what could not be written of the console; read it after dead
}

// start starts QEMU. Whoever gets the process must end it with kill.
func start(l launch) (p *process, err error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	mon, listener, err := openMonitor(l.cache)
	if err != nil {
		ours.Close()
		return nil, err
	}
	defer listener.Close()
	con, err := newConsole(l.console)
	if err != nil {
		ours.Close()
		_ = mon.conn.Close()
		return nil, err
	}
	p = &process{console: con, monitor: mon, session: newSession(ours), dead: make(chan struct{})}
	options, err := p.options(l, theirs, listener)
	if err == nil {
		// The process outlives any context: it ends with kill, or with this program.
		onForker(func() { p.vm, err = options.Start(context.Background()) })
	}
	// QEMU has its own copies now. The library has closed these where it could not start.
	for _, f := range options.ExtraFiles {
		_ = f.Close()
	}
	if err != nil {
		p.session.close()
		_ = mon.conn.Close()
		return nil, fmt.Errorf("start QEMU: %w", errors.Join(err, con.Close()))
	}
	p.started = time.Now()
	go mon.run()
	go p.reap()
	return p, nil
}

// options turns a launch into what the library starts. A literal, since its constructor heeds the environment.
func (p *process) options(l launch, agent, listener *os.File) (*qemu.Options, error) {
	o := &qemu.Options{
		QEMUCommand:  guardCommand,
		Kernel:       l.kernel,
		Initramfs:    l.initramfs,
		KernelArgs:   l.cmdline,
		SerialOutput: []io.WriteCloser{p.console},
	}
	w := wiring{shared: l.shared, incoming: l.incoming}
	for _, inherit := range []struct {
		file *os.File
		fd   *int
	}{
		{agent, &w.agentFD}, {listener, &w.monitorFD}, {l.ram, &w.ramFD}, {l.state, &p.stateFD},
	} {
		if inherit.file == nil {
			continue
		}
		f, err := duplicate(inherit.file)
		if err != nil {
			return o, err
		}
		*inherit.fd = o.AddFile(f)
	}
	o.QEMUArgs = append(guard(os.Getpid()), l.emulator.path)
	o.QEMUArgs = append(o.QEMUArgs, qemuArgs(l.shape, w)...)
	return o, nil
}

// reap waits for QEMU's end, says why it was, and leaves nothing behind.
func (p *process) reap() {
	err := p.vm.Wait() // also drains the console
	p.monitor.close()
	p.session.close()
	p.lost = p.console.Close()
	p.death = p.diagnose(err)
	close(p.dead)
}

// diagnose tells from QEMU's exit and its last events how the guest ended.
func (p *process) diagnose(err error) *DeadError {
	d := &DeadError{Status: "exit status 0", Console: p.console.bytes()}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		d.Status = exit.String()
	} else if err != nil {
		d.Status = err.Error()
	}
	shutdown, _ := p.monitor.find(named("SHUTDOWN"))
	reason, _ := shutdown.Data["reason"].(string)
	switch {
	case p.closing.Load():
		d.Cause = Closed
	case exit != nil && exit.Sys().(syscall.WaitStatus).Signaled():
		d.Cause = Killed
	case strings.HasPrefix(reason, "host-"): // QEMU turns SIGTERM and SIGINT into an orderly end
		d.Cause = Killed
		d.Status = reason
	case reason == "guest-reset", reason == "guest-panic":
		d.Cause = Panicked
	case reason == "guest-shutdown":
		d.Cause = PoweredOff
	default:
		d.Cause = Failed
	}
	return d
}

// kill ends QEMU and waits until nothing of it is left. It may be called more than once.
func (p *process) kill() error {
	select {
	case <-p.dead:
	default:
		p.closing.Store(true)
		_ = p.vm.Kill() // the only error is that it has ended already
		<-p.dead
	}
	return p.lost
}

// socketPair returns the host's and the guest's end of the agent's port.
func socketPair() (net.Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make sockets for the agent's port: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), portName), os.NewFile(uintptr(fds[1]), portName)
	defer ours.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		theirs.Close()
		return nil, nil, fmt.Errorf("make sockets for the agent's port: %w", err)
	}
	return conn, theirs, nil
}

// duplicate returns another descriptor of f for QEMU: the library closes those that it is given when it cannot start.
func duplicate(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("duplicate descriptor of %s: %w", f.Name(), err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}
