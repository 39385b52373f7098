package scenarios

import (
	"strings"
	"testing"

	"ktcp/harness"
)

// Each of these has one allocation after the other fail. What cannot go on must be refused, cleanly: nothing leaks, nothing is
// left half done, and without a fault all works as before.

// One allocation of insmod after the other fails: it is refused, or goes on without, and leaves nothing behind
func TestSweepInsmod(t *testing.T) {
	harness.EachRole(t, func(t *testing.T, role harness.Role) {
		t.Parallel()
		g := harness.Clone(t, harness.FailingAllocations())
		s := g.Serve(role)
		s.Rmmod()
		s.SweepInsmod()
		s.Reload()
		subject{s, g.Init()}.on()
		subject{s, g.Init()}.asked(t)
	}, roles...)
}

// droptcp plays no role: it is loaded by its name.
func TestSweepInsmodDroptcp(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.FailingAllocations())
	m := g.Insmod("droptcp")
	m.Rmmod()
	m.SweepInsmod()
	m.Reload()
	g.Init().WriteFile(dropFile, "\n")
}

// One allocation after the other fails while the server is switched on
func TestSweepStatus(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.FailingAllocations())
	kweb := g.Serve(harness.Web)
	red := g.Netns("red")
	red.SweepWrite(harness.StatusFile, "1", "0")
	kweb.Enable(red)
	red.Get(kweb.Addr).WantStatus(200)
}

// One allocation after the other fails while a namespace is made
func TestSweepNetns(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.FailingAllocations())
	kweb := g.Serve(harness.Web)
	g.SweepNetns()
	red := g.Netns("red")
	kweb.Enable(red)
	red.Get(kweb.Addr).WantStatus(200)
}

// One allocation after the other fails on the kernel's threads that serve a client. What a server does for a client it does there: their
// allocations are those of accept, read and write.
func TestSweepServing(t *testing.T) {
	request := map[harness.Role]string{
		harness.Echo: strings.Repeat("0123456789abcdef", 4<<10),
		harness.HTTP: getAndClose("/"),
		harness.Web:  getAndClose("/"),
	}
	harness.EachRole(t, func(t *testing.T, role harness.Role) {
		t.Parallel()
		g := harness.Clone(t, harness.FailingAllocations())
		s := g.Serve(role)
		if role == harness.Web {
			s.Enable(g.Init())
		}
		s.SweepServing(g.Init(), request[role])
	}, harness.Echo, harness.HTTP, harness.Web)
}

// One allocation after the other fails on the kernel's threads that serve files
func TestSweepServingFiles(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.FailingAllocations())
	g.Mkdir("/www/list")
	g.File("/www/list/one", "1")
	g.FileOf("/www/large", "0123456789abcdef", 16<<10)
	khttpd := g.Serve(harness.HTTP, "WWWROOT=/www")
	for _, path := range []string{"/large", "/list/", "/none"} {
		khttpd.SweepServing(g.Init(), getAndClose(path))
	}
}

func getAndClose(path string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: guest\r\nConnection: close\r\n\r\n"
}
