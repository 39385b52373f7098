package serve

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"ktcp/guest/wire"
)

type number struct {
	N int `json:"n"`
}

var (
	double = wire.Op[number, number]{Name: "double"}
	first  = wire.Op[number, number]{Name: "first"}
	second = wire.Op[number, number]{Name: "second"}
	broken = wire.Op[number, number]{Name: "broken"}
	fails  = wire.Op[number, number]{Name: "fails"}
)

// start runs a server until the test ends and returns the host's end of its port.
func start(t testing.TB, table Table) (host net.Conn, ended <-chan error) {
	t.Helper()
	host, guest := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- New(guest, table).Run() }()
	t.Cleanup(func() { host.Close() })
	return host, done
}

func ask(t testing.TB, host net.Conn, id uint64, op, body string) {
	t.Helper()
	if err := wire.WriteFrame(host, wire.Frame{ID: id, Op: op, Body: json.RawMessage(body)}); err != nil {
		t.Fatal(err)
	}
}

func answer(t testing.TB, host net.Conn) wire.Frame {
	t.Helper()
	f, err := wire.ReadFrame(host)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestServe(t *testing.T) {
	table := Table{}
	Handle(table, double, func(r number) (number, error) { return number{2 * r.N}, nil })
	Handle(table, broken, func(number) (number, error) { panic("as expected") })
	Handle(table, fails, func(number) (number, error) { return number{}, syscall.EADDRINUSE })
	host, _ := start(t, table)
	for _, tt := range []struct {
		name, op, body string
		want           string // of the body
		wantErr        string // a part of the error
		wantErrno      syscall.Errno
	}{
		{name: "answer", op: "double", body: `{"n":21}`, want: `{"n":42}`},
		{name: "no body", op: "double", want: `{"n":0}`},
		{name: "not its request", op: "double", body: `{"n":"x"}`, wantErr: "decode request"},
		{name: "unknown", op: "divide", body: `{}`, wantErr: `unknown operation: "divide"`},
		{name: "panic", op: "broken", body: `{}`, wantErr: "panic: as expected"},
		{name: "errno", op: "fails", body: `{}`, wantErr: "address already in use", wantErrno: syscall.EADDRINUSE},
		{name: "still there", op: "double", body: `{"n":1}`, want: `{"n":2}`},
	} {
		ask(t, host, 7, tt.op, tt.body)
		got := answer(t, host)
		if got.ID != 7 || string(got.Body) != tt.want {
			t.Errorf("%s: answer %d %s, want 7 %s", tt.name, got.ID, got.Body, tt.want)
		}
		switch {
		case tt.wantErr == "" && got.Err != nil:
			t.Errorf("%s: %v", tt.name, got.Err)
		case tt.wantErr != "" && (got.Err == nil || !strings.Contains(got.Err.Text, tt.wantErr)):
			t.Errorf("%s: error %v, want one with %q", tt.name, got.Err, tt.wantErr)
		case tt.wantErrno != 0 && !errors.Is(got.Err, tt.wantErrno):
			t.Errorf("%s: error %v, want errno %v", tt.name, got.Err, tt.wantErrno)
		}
	}
}

// TestServeConcurrently has one request wait for another that is sent after it.
func TestServeConcurrently(t *testing.T) {
	table := Table{}
	reached := make(chan struct{})
	Handle(table, first, func(number) (number, error) { <-reached; return number{1}, nil })
	Handle(table, second, func(number) (number, error) { close(reached); return number{2}, nil })
	host, _ := start(t, table)
	ask(t, host, 1, "first", `{}`)
	ask(t, host, 2, "second", `{}`)
	got := map[uint64]string{}
	for range 2 {
		f := answer(t, host)
		got[f.ID] = string(f.Body)
	}
	if got[1] != `{"n":1}` || got[2] != `{"n":2}` {
		t.Errorf("answers %v", got)
	}
}

// TestInlineIsAnsweredFirst sends two requests at once, the first of which is served by the reader itself.
func TestInlineIsAnsweredFirst(t *testing.T) {
	table := Table{}
	done := false
	Handle(table, first, func(number) (number, error) { done = true; return number{1}, nil }, Inline)
	Handle(table, second, func(number) (number, error) {
		if !done {
			return number{}, errors.New("the second was begun before the first was done")
		}
		return number{2}, nil
	})
	host, _ := start(t, table)
	go func() {
		for i, op := range []string{"first", "second"} {
			_ = wire.WriteFrame(host, wire.Frame{ID: uint64(i + 1), Op: op, Body: json.RawMessage(`{}`)})
		}
	}()
	for id := uint64(1); id <= 2; id++ {
		if f := answer(t, host); f.ID != id || f.Err != nil {
			t.Errorf("answer %d, %v, want %d", f.ID, f.Err, id)
		}
	}
}

func TestRunEnds(t *testing.T) {
	host, ended := start(t, Table{})
	host.Close()
	if err := <-ended; !errors.Is(err, io.EOF) {
		t.Errorf("ended with %v, want %v", err, io.EOF)
	}
	host, ended = start(t, Table{})
	if _, err := host.Write([]byte{255, 255, 255, 255}); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, wire.ErrFrameTooLarge) {
		t.Errorf("ended with %v, want %v", err, wire.ErrFrameTooLarge)
	}
}

func TestReadyAndWarm(t *testing.T) {
	served := 0
	table := Table{}
	Handle(table, double, func(r number) (number, error) { served++; return number{2 * r.N}, nil })
	Handle(table, fails, func(number) (number, error) { return number{}, syscall.EIO })
	host, guest := net.Pipe()
	defer host.Close()
	s := New(guest, table)
	if err := s.Warm(wire.Frame{ID: 1, Op: "double", Body: json.RawMessage(`{"n":1}`)}); err != nil || served != 1 {
		t.Fatalf("warmed up: served %d, %v, want 1", served, err)
	}
	if err := s.Warm(wire.Frame{ID: 1, Op: "fails"}); !errors.Is(err, syscall.EIO) {
		t.Errorf("warmed up with what fails: %v, want %v", err, syscall.EIO)
	}
	go func() {
		_ = s.Ready(wire.Ready{Version: wire.Version, Release: "6.1"})
		_ = s.Run()
	}()
	// Nothing of what was served before reaches the host.
	if f := answer(t, host); f.ID != 0 || string(f.Body) != `{"version":1,"release":"6.1"}` {
		t.Errorf("first frame: %d %s, want ready", f.ID, f.Body)
	}
	ask(t, host, 1, "double", `{"n":2}`)
	if f := answer(t, host); string(f.Body) != `{"n":4}` {
		t.Errorf("answer %s", f.Body)
	}
}

func TestHandleTwicePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an operation was registered twice")
		}
	}()
	table := Table{}
	for range 2 {
		Handle(table, double, func(r number) (number, error) { return r, nil })
	}
}
