package vm

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestPeerIsKnownFromWhatItWrites(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ours, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	c := identify(ours.(*net.UnixConn))
	if got := c.pid.Load(); got != 0 {
		t.Errorf("process %d is at the other end before anything came", got)
	}
	if _, err := theirs.Write([]byte("hello\n")); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	if line, err := in.ReadString('\n'); err != nil || line != "hello\n" {
		t.Errorf("read %q, %v", line, err)
	}
	if got := c.pid.Load(); got != int64(os.Getpid()) {
		t.Errorf("process %d is at the other end, want %d", got, os.Getpid())
	}
	// A connection that is closed is an error, and no count that bufio cannot bear.
	if err := ours.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := in.ReadByte(); err == nil {
		t.Error("no error from a connection that is closed")
	}
}
