package conns

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"ktcp/guest/wire"
)

// oneSpace stands for a guest with namespaces that are all the same one.
type oneSpace struct{}

func (oneSpace) Do(_ string, f func() error) error { return f() }

func (oneSpace) Space(name string) (any, error) {
	if name == "absent" {
		return nil, errors.New("absent")
	}
	return name, nil
}

// listen opens a listener of the test's own.
func listen(t testing.TB) *net.TCPListener {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// dial opens a connection through a table and returns both ends.
func dial(t testing.TB, table *Table, netns string) (conn uint64, peer *net.TCPConn) {
	t.Helper()
	l := listen(t)
	answer, err := table.Dial(wire.DialRequest{Netns: netns, Addr: l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	peer, err = l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	if answer.Local != peer.RemoteAddr().String() || answer.Remote != l.Addr().String() {
		t.Errorf("dialled from %s to %s, the peer sees %s and %s", answer.Local, answer.Remote, peer.RemoteAddr(), l.Addr())
	}
	return answer.Conn, peer
}

func TestTransfer(t *testing.T) {
	table := NewTable(oneSpace{})
	conn, peer := dial(t, table, "")
	if _, err := table.Send(wire.SendRequest{Conn: conn, Data: []byte("hello")}); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 5)
	if _, err := io.ReadFull(peer, buf); err != nil || string(buf) != "hello" {
		t.Fatalf("peer got %q, %v", buf, err)
	}
	if _, err := peer.Write([]byte("answer")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name     string
		min, max int
		want     string
		timeout  bool
	}{
		{"at most two", 1, 2, "an", false},
		{"exactly", 2, 2, "sw", false},
		{"fewer than wanted", 10, 0, "er", true},
		{"nothing", 0, 0, "", true},
	} {
		got, err := table.Recv(wire.RecvRequest{Conn: conn, Min: tt.min, Max: tt.max, Timeout: 30 * time.Millisecond})
		if err != nil || string(got.Data) != tt.want || got.TimedOut != tt.timeout || got.EOF || got.Reset || got.Errno != 0 {
			t.Errorf("%s: %+v, %v, want %q", tt.name, got, err, tt.want)
		}
	}
}

func TestHalfClose(t *testing.T) {
	table := NewTable(oneSpace{})
	conn, peer := dial(t, table, "")
	if _, err := table.Close(wire.CloseRequest{Conn: conn, Mode: wire.CloseWrite}); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(peer); err != nil || len(text) != 0 {
		t.Fatalf("peer read %q, %v, want the end", text, err)
	}
	if _, err := peer.Write([]byte("late answer")); err != nil {
		t.Fatal(err)
	}
	peer.Close()
	got, err := table.Recv(wire.RecvRequest{Conn: conn, Min: -1})
	if err != nil || string(got.Data) != "late answer" || !got.EOF {
		t.Errorf("received %+v, %v, want the answer and the end", got, err)
	}
	if _, err := table.Send(wire.SendRequest{Conn: conn, Data: []byte("x")}); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("send after shutdown: %v, want %v", err, syscall.EPIPE)
	}
}

func TestReset(t *testing.T) {
	table := NewTable(oneSpace{})
	conn, peer := dial(t, table, "")
	if err := peer.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	peer.Close()
	got, err := table.Recv(wire.RecvRequest{Conn: conn, Min: -1})
	if err != nil || !got.Reset || got.EOF {
		t.Errorf("received %+v, %v, want a reset", got, err)
	}

	conn, peer = dial(t, table, "")
	if _, err := table.Close(wire.CloseRequest{Conn: conn, Mode: wire.CloseReset}); err != nil {
		t.Fatal(err)
	}
	if _, err := peer.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("peer of a reset connection: %v, want %v", err, syscall.ECONNRESET)
	}
	if _, err := table.Recv(wire.RecvRequest{Conn: conn}); !errors.Is(err, ErrUnknown) {
		t.Errorf("receive on a closed handle: %v, want %v", err, ErrUnknown)
	}
}

func TestSendThatNobodyReads(t *testing.T) {
	table := NewTable(oneSpace{})
	conn, _ := dial(t, table, "")
	_, err := table.Send(wire.SendRequest{Conn: conn, Data: make([]byte, 64<<20), Timeout: 30 * time.Millisecond})
	if e := wire.NewError(err); e == nil || !e.Timeout {
		t.Errorf("send of 64 MiB that nobody reads: %v, want a timeout", err)
	}
}

func TestDialErrors(t *testing.T) {
	table := NewTable(oneSpace{})
	l := listen(t)
	refused := l.Addr().String()
	l.Close()
	for _, tt := range []struct {
		name string
		req  wire.DialRequest
		want error
	}{
		{"refused", wire.DialRequest{Addr: refused}, syscall.ECONNREFUSED},
		{"local address that is not here", wire.DialRequest{Addr: refused, Local: "192.0.2.1"}, syscall.EADDRNOTAVAIL},
	} {
		if _, err := table.Dial(tt.req); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	for _, req := range []wire.DialRequest{{Addr: "nonsense"}, {Addr: refused, Local: "nonsense"}, {Addr: refused, Netns: "absent"}} {
		if _, err := table.Dial(req); err == nil {
			t.Errorf("%+v: no error", req)
		}
	}
	if n := table.CloseAll(); n != 0 {
		t.Errorf("%d handles left by requests that failed", n)
	}
}

// full listens with a queue that hardly anybody fits in: then SYNs are dropped.
func full(t *testing.T) (addr string) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}).String()
}

func TestDialThatNobodyAnswers(t *testing.T) {
	addr := full(t)
	table := NewTable(oneSpace{})
	defer table.CloseAll()
	for range 8 {
		_, err := table.Dial(wire.DialRequest{Addr: addr, Timeout: 30 * time.Millisecond})
		if err == nil {
			continue // the queue was not full yet
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("dial: %v, want %v", err, os.ErrDeadlineExceeded)
		}
		return
	}
	t.Error("8 connections to a socket with a backlog of none")
}

// Of many that do not all get through, none is left, or those that did, as was asked for.
func TestDialManyWhereNotAllGetThrough(t *testing.T) {
	const many = 8
	req := wire.DialManyRequest{Addr: full(t), Count: many, Timeout: 200 * time.Millisecond}
	table := NewTable(oneSpace{})
	if _, err := table.DialMany(req); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("all or none: %v, want %v", err, os.ErrDeadlineExceeded)
	}
	if n := table.CloseAll(); n != 0 {
		t.Errorf("%d are left where all were asked for", n)
	}
	req.Addr, req.Fewer = full(t), true
	got, err := table.DialMany(req)
	if err != nil || got.Count < 1 || got.Count >= many || got.Why == "" {
		t.Errorf("as many as there can be: %+v, %v, want fewer than %d and why", got, err, many)
	}
	if _, err := table.CloseMany(wire.CloseManyRequest{First: got.First, Count: got.Count, Mode: wire.CloseFIN}); err != nil {
		t.Errorf("close those that there are: %v", err)
	}
	if n := table.CloseAll(); n != 0 {
		t.Errorf("%d are left after they were closed", n)
	}
}

func TestCloseWakesWhoWaits(t *testing.T) {
	table := NewTable(oneSpace{})
	conn, peer := dial(t, table, "")
	woken := make(chan error, 1)
	go func() {
		_, err := table.Recv(wire.RecvRequest{Conn: conn, Min: 2, Timeout: time.Minute})
		woken <- err
	}()
	// One byte of two: when the kernel says that it has been read, the receiver is about to wait for the other.
	if _, err := peer.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := table.Close(wire.CloseRequest{Conn: conn, Mode: wire.CloseFIN}); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-woken:
		if !errors.Is(err, ErrClosed) && !errors.Is(err, ErrUnknown) {
			t.Errorf("receive: %v, want %v", err, ErrClosed)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("a receiver was not woken by close")
	}
	if _, err := peer.Read(make([]byte, 1)); err == nil {
		t.Error("the peer sees no end: the descriptor is still open")
	}
}

func TestListenOccupiesThePort(t *testing.T) {
	table := NewTable(oneSpace{})
	answer, err := table.Listen(wire.ListenRequest{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := table.Listen(wire.ListenRequest{Addr: answer.Addr}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("second listener: %v, want %v", err, syscall.EADDRINUSE)
	}
	if _, err := table.Close(wire.CloseRequest{Conn: answer.Conn, Mode: wire.CloseWrite}); !errors.Is(err, ErrMode) {
		t.Errorf("half-close of a listener: %v, want %v", err, ErrMode)
	}
	if _, err := table.Close(wire.CloseRequest{Conn: answer.Conn, Mode: "gently"}); !errors.Is(err, ErrMode) {
		t.Errorf("unknown mode: %v, want %v", err, ErrMode)
	}
	if _, err := table.Close(wire.CloseRequest{Conn: answer.Conn}); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", answer.Addr)
	if err != nil {
		t.Fatalf("the port is still taken: %v", err)
	}
	l.Close()
}

func TestCloseInClosesOnlyThere(t *testing.T) {
	table := NewTable(oneSpace{})
	dial(t, table, "red")
	dial(t, table, "red")
	dial(t, table, "blue")
	if n, err := table.CloseIn("red"); err != nil || n != 2 {
		t.Errorf("closed %d in red, %v, want 2", n, err)
	}
	if n := table.CloseAll(); n != 1 {
		t.Errorf("closed %d in all, want the 1 in blue", n)
	}
	if _, err := table.CloseIn("absent"); err == nil {
		t.Error("no error for a namespace that is not there")
	}
}

// A server sees a client that says SYN and is never heard of again.
func TestDialHalf(t *testing.T) {
	table := NewTable(oneSpace{})
	l := listen(t)
	answer, err := table.DialHalf(wire.DialHalfRequest{Addr: l.Addr().String(), Count: 3})
	if err != nil {
		t.Fatal(err)
	}
	_ = l.SetDeadline(time.Now().Add(100 * time.Millisecond))
	if c, err := l.Accept(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("accepted %v, %v; want nobody", c, err)
	}
	if _, err := table.CloseMany(wire.CloseManyRequest{First: answer.First, Count: 3}); err != nil {
		t.Error(err)
	}
	if left := table.CloseAll(); left > 0 {
		t.Errorf("%d connections are left", left)
	}
}
