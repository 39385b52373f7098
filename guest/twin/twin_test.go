package twin

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"
)

// listening returns the address of a server that runs until the test binary ends.
func listening(t *testing.T) string {
	t.Helper()
	s, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	addr, err := s.Addr()
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Run() }()
	return addr.String()
}

func dial(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c.(*net.TCPConn)
}

func TestEcho(t *testing.T) {
	addr := listening(t)
	idle := dial(t, addr)
	large := bytes.Repeat([]byte("0123456789abcde\x00"), 1<<20)
	for _, message := range [][]byte{[]byte("hello"), {0}, large} {
		c := dial(t, addr)
		go func() {
			_, _ = c.Write(message)
			_ = c.CloseWrite()
		}()
		got, err := io.ReadAll(c)
		if err != nil || !bytes.Equal(got, message) {
			t.Errorf("%d bytes came back of %d, %v", len(got), len(message), err)
		}
	}
	if _, err := idle.Write([]byte("still here")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 10)
	if _, err := io.ReadFull(idle, got); err != nil || string(got) != "still here" {
		t.Errorf("%q, %v", got, err)
	}
}

// A peer that sends without reading is not read either, and another one is served meanwhile.
func TestSlowReader(t *testing.T) {
	addr := listening(t)
	slow := dial(t, addr)
	message := bytes.Repeat([]byte("x"), 32<<20)
	go func() {
		_, _ = slow.Write(message)
		_ = slow.CloseWrite()
	}()
	quick := dial(t, addr)
	for range 100 {
		if _, err := quick.Write([]byte("q")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(quick, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := io.ReadAll(slow); err != nil || !bytes.Equal(got, message) {
		t.Errorf("%d bytes came back of %d, %v", len(got), len(message), err)
	}
}

func TestPortInUse(t *testing.T) {
	addr := netip.MustParseAddrPort(listening(t))
	if _, err := Listen(addr); err == nil {
		t.Error("two servers on one port")
	}
	for _, args := range [][]string{{"0"}, {"70000"}, {"1", "2"}} {
		if Main(args) != 2 {
			t.Errorf("%q is accepted", args)
		}
	}
}
