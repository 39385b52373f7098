package harness

import (
	"errors"
	"syscall"
	"time"

	"ktcp/guest/wire"
)

// namespaceDeath is how long, in guest time, the kernel may take to destroy a namespace that nobody holds: it does
// so in a work item of its own, after a grace period or two.
const namespaceDeath = 10 * time.Second

// Netns is a network namespace of a guest, with its own loopback interface up and its own sysfs.
type Netns struct {
	g       *Guest
	name    string // "" is the initial one
	deleted bool
}

// Init returns the namespace in which the guest booted and its modules are loaded.
func (g *Guest) Init() *Netns { return &Netns{g: g} }

// Netns creates a network namespace.
func (g *Guest) Netns(name string) *Netns {
	g.tb.Helper()
	call(g, wire.NetnsAdd, wire.NetnsRequest{Name: name})
	n := &Netns{g: g, name: name}
	g.netns = append(g.netns, n)
	return n
}

// String returns the namespace's name as messages show it.
func (n *Netns) String() string {
	if n.name == "" {
		return "the initial namespace"
	}
	return "namespace " + n.name
}

// Delete drops the namespace's name and every reference that the guest's agent holds to it, except its open connections. The
// kernel destroys it when the last reference is gone: see [Netns.Dies].
func (n *Netns) Delete() {
	n.g.tb.Helper()
	call(n.g, wire.NetnsDelete, wire.NetnsDeleteRequest{Name: n.name})
	n.deleted = true
}

// Dies deletes the namespace together with the connections that clients hold in it, and fails the test unless the kernel then
// destroys it.
func (n *Netns) Dies() {
	n.g.tb.Helper()
	answer := call(n.g, wire.NetnsDelete, wire.NetnsDeleteRequest{Name: n.name, Close: true, Wait: namespaceDeath})
	n.deleted = true
	if !answer.Gone {
		n.g.tb.Errorf("%v was deleted but still lives after %v: something holds a reference", n, namespaceDeath)
	}
}

// Veth connects two namespaces with a pair of virtual Ethernet interfaces that carry the addresses given, in CIDR
// form such as "10.0.0.1/24".
func (n *Netns) Veth(addr string, peer *Netns, peerAddr string) {
	n.g.tb.Helper()
	n.g.veths++
	suffix := string(rune('a' + n.g.veths - 1))
	call(n.g, wire.VethAdd, wire.VethRequest{
		A: wire.VethEnd{Netns: n.name, Name: "veth" + suffix + "0", Addr: addr},
		B: wire.VethEnd{Netns: peer.name, Name: "veth" + suffix + "1", Addr: peerAddr},
	})
}

// ReadFile reads a file as a process in the namespace sees it: /sys is the namespace's own.
func (n *Netns) ReadFile(path string) string {
	n.g.tb.Helper()
	return string(call(n.g, wire.ReadFile, wire.FileRequest{Netns: n.name, Path: path}).Data)
}

// WriteFile writes a file with one write(2), as a process in the namespace would.
func (n *Netns) WriteFile(path, data string) {
	n.g.tb.Helper()
	call(n.g, wire.WriteFile, wire.WriteRequest{Netns: n.name, Path: path, Data: []byte(data)})
}

// WriteFails fails the test unless writing the file is refused with the given error.
func (n *Netns) WriteFails(path, data string, want syscall.Errno) {
	n.g.tb.Helper()
	_, err := try(n.g, wire.WriteFile, wire.WriteRequest{Netns: n.name, Path: path, Data: []byte(data)})
	switch {
	case err == nil:
		n.g.tb.Errorf("writing %q to %s in %v succeeded, want %v", data, path, n, want)
	case !errors.Is(err, want):
		n.g.tb.Errorf("writing %q to %s in %v: %v, want %v", data, path, n, err, want)
	}
}

// WriteLoop has several threads write the values in turn, count times each, as fast as they can, and returns how often each
// errno came back (0 is success).
func (n *Netns) WriteLoop(path string, threads, count int, values ...string) map[syscall.Errno]int {
	n.g.tb.Helper()
	return n.StartWriteLoop(path, threads, count, values...)()
}

// StartWriteLoop is WriteLoop in the background, of which a first write is done when it returns: the function that it returns
// waits for the end and says how it went. A file that was not there counts as one ENOENT.
func (n *Netns) StartWriteLoop(path string, threads, count int, values ...string) (wait func() map[syscall.Errno]int) {
	n.g.tb.Helper()
	started := call(n.g, wire.WriteLoopStart, wire.WriteLoopRequest{
		Netns: n.name, Path: path, Values: values, Count: count, Threads: threads,
	})
	return func() map[syscall.Errno]int {
		n.g.tb.Helper()
		answer, err := try(n.g, wire.WriteLoopWait, wire.WriteLoopWaitRequest(started))
		if errors.Is(err, syscall.ENOENT) {
			return map[syscall.Errno]int{syscall.ENOENT: 1}
		}
		if err != nil {
			n.g.tb.Fatalf("write loop on %s in %v: %v", path, n, err)
		}
		outcomes := map[syscall.Errno]int{0: answer.OK}
		for errno, times := range answer.Errnos {
			outcomes[syscall.Errno(errno)] = times
		}
		return outcomes
	}
}

// Has reports whether a path exists for a process in the namespace.
func (n *Netns) Has(path string) bool {
	n.g.tb.Helper()
	_, err := try(n.g, wire.ReadFile, wire.FileRequest{Netns: n.name, Path: path})
	switch {
	case err == nil, errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.EACCES):
		return true
	case errors.Is(err, syscall.ENOENT):
		return false
	}
	n.g.tb.Fatalf("look for %s in %v: %v", path, n, err)
	return false
}

// Occupy takes a TCP address from user space, so that a server finds it in use. The returned function lets it go.
func (n *Netns) Occupy(addr string) (release func()) {
	n.g.tb.Helper()
	answer := call(n.g, wire.Listen, wire.ListenRequest{Netns: n.name, Addr: addr})
	return func() {
		n.g.tb.Helper()
		call(n.g, wire.CloseConn, wire.CloseRequest{Conn: answer.Conn, Mode: wire.CloseFIN})
	}
}
