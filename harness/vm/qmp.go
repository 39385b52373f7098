package vm

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"github.com/digitalocean/go-qemu/qmp"
	"github.com/digitalocean/go-qemu/qmp/raw"
	"golang.org/x/sys/unix"
)

// monitor is a connection to QEMU's monitor. The package qmp has one too, but that hands out its read buffer while it
// goes on reading into it, and waits for ever for a QEMU that hangs. So the connection is ours, and what speaks over it
// is theirs: see [monitor.within].
type monitor struct {
	conn *net.UnixConn
	in   *credentialed // its reading side

	ready chan struct{} // closed when the handshake is over
	err   error         // of the handshake; read it after ready
	ended chan struct{} // closed when QEMU will say no more

	write sync.Mutex // serializes commands on their way out

	mu      sync.Mutex
	last    uint64
	pending map[uint64]chan message
	events  []qmp.Event
	more    chan struct{} // closed and replaced at every event
}

// message is what QEMU says: its greeting, an event, or the answer to a command.
type message struct {
	qmp.Event
	ID     uint64          `json:"id"`
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Desc string `json:"desc"`
	} `json:"error"`

	text []byte
}

// errMonitorGone is the error of a command whose QEMU ended.
var errMonitorGone = errors.New("QEMU's monitor is gone")

func newMonitor(conn *net.UnixConn) *monitor {
	return &monitor{
		conn: conn, in: identify(conn), ready: make(chan struct{}), ended: make(chan struct{}),
		pending: map[uint64]chan message{}, more: make(chan struct{}),
	}
}

// run shakes hands and then takes answers and events to where they belong, until QEMU ends.
func (m *monitor) run() {
	defer close(m.ended)
	in := bufio.NewReader(m.in)
	m.err = m.handshake(in)
	close(m.ready)
	for m.err == nil {
		msg, err := receive(in)
		if err != nil {
			return
		}
		m.mu.Lock()
		if msg.Event.Event != "" {
			m.events = append(m.events, msg.Event)
			close(m.more)
			m.more = make(chan struct{})
		} else if waiting, ok := m.pending[msg.ID]; ok {
			delete(m.pending, msg.ID)
			waiting <- msg
		}
		m.mu.Unlock()
	}
}

// handshake leaves the mode in which QEMU only negotiates.
func (m *monitor) handshake(in *bufio.Reader) error {
	if _, err := receive(in); err != nil { // the greeting
		return fmt.Errorf("%w: %w", errMonitorGone, err)
	}
	if _, err := m.conn.Write([]byte(`{"execute":"qmp_capabilities"}`)); err != nil {
		return fmt.Errorf("%w: %w", errMonitorGone, err)
	}
	msg, err := receive(in)
	if err != nil {
		return fmt.Errorf("%w: %w", errMonitorGone, err)
	}
	if msg.Error != nil {
		return fmt.Errorf("QMP handshake: %s", msg.Error.Desc)
	}
	return nil
}

// receive reads one line.
func receive(in *bufio.Reader) (message, error) {
	var msg message
	line, err := in.ReadBytes('\n')
	if err != nil {
		return msg, err
	}
	msg.text = line
	return msg, json.Unmarshal(line, &msg)
}

// peer returns the process of QEMU, 0 before it has said anything.
func (m *monitor) peer() int { return int(m.in.pid.Load()) }

// close ends the connection.
func (m *monitor) close() {
	_ = m.conn.Close()
	<-m.ended
}

// execute runs one command, given as QMP's JSON, and returns QEMU's whole answer. file goes with it as a descriptor.
func (m *monitor) execute(ctx context.Context, command []byte, file *os.File) ([]byte, error) {
	select {
	case <-m.ready:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for QEMU's monitor: %w", ctx.Err())
	}
	if m.err != nil {
		return nil, m.err
	}
	answer := make(chan message, 1)
	m.mu.Lock()
	m.last++
	id := m.last
	m.pending[id] = answer
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		delete(m.pending, id)
		m.mu.Unlock()
	}()
	// The commands come without an ID; with one, an answer that comes too late is nobody else's.
	command = append(fmt.Appendf(nil, `{"id":%d,`, id), bytes.TrimPrefix(command, []byte("{"))...)
	if err := m.send(command, file); err != nil {
		return nil, fmt.Errorf("%w: %w", errMonitorGone, err)
	}
	select {
	case msg := <-answer:
		if msg.Error != nil {
			return nil, errors.New(msg.Error.Desc)
		}
		return msg.text, nil
	case <-m.ended:
		return nil, errMonitorGone
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (m *monitor) send(command []byte, file *os.File) error {
	m.write.Lock()
	defer m.write.Unlock()
	var rights []byte
	if file != nil {
		rights = unix.UnixRights(int(file.Fd()))
	}
	_, _, err := m.conn.WriteMsgUnix(command, rights, nil)
	return err
}

// within returns the commands of QMP, each bounded by ctx.
func (m *monitor) within(ctx context.Context) *raw.Monitor {
	return raw.NewMonitor(bounded{m, ctx})
}

// command runs a command that [raw.Monitor] lacks or knows only in part.
func (m *monitor) command(ctx context.Context, name string, arguments any, file *os.File) error {
	text, err := json.Marshal(qmp.Command{Execute: name, Args: arguments})
	if err == nil {
		_, err = m.execute(ctx, text, file)
	}
	if err != nil {
		return fmt.Errorf("QMP %s: %w", name, err)
	}
	return nil
}

// bounded is a monitor whose commands end with a context.
type bounded struct {
	m   *monitor
	ctx context.Context
}

var _ qmp.Monitor = bounded{}

// Run implements qmp.Monitor.
func (b bounded) Run(command []byte) ([]byte, error) { return b.m.execute(b.ctx, command, nil) }

// Connect implements qmp.Monitor. The connection is there already.
func (b bounded) Connect() error { return b.m.err }

// Disconnect implements qmp.Monitor. The connection is another's to close.
func (b bounded) Disconnect() error { return nil }

// Events implements qmp.Monitor.
func (b bounded) Events(context.Context) (<-chan qmp.Event, error) {
	return nil, qmp.ErrEventsNotSupported
}
