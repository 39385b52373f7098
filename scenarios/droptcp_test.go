package scenarios

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"ktcp/harness"
)

// Each line that is written here names a socket: its own address, then its peer's.
const dropFile = "/proc/net/drop_tcp_sock"

// dropping returns a guest with droptcp and an echo server, where somebody can be dropped.
func dropping(t *testing.T) (n *harness.Netns, kecho *harness.Subject) {
	t.Helper()
	g := harness.Clone(t)
	g.Insmod("droptcp")
	return g.Init(), g.Serve(harness.Echo)
}

func TestDropEstablished(t *testing.T) {
	t.Parallel()
	n, kecho := dropping(t)
	client, server, other := n.Dial(kecho.Addr), n.Dial(kecho.Addr), n.Dial(kecho.Addr)
	for _, c := range []*harness.Conn{client, server, other} {
		c.Echo(100)
	}
	n.WriteFile(dropFile, client.Local+" "+client.Remote+"\n")
	client.Aborted()
	n.WriteFile(dropFile, server.Remote+"\t \t"+server.Local+"\n") // its end at the module
	server.WasReset()
	kecho.AwaitCounter(n, "active", 1)
	kecho.AwaitCounter(n, "errors", 2)
	other.Echo(100)

	// Who is not there cannot be dropped, and least of all the listener in his place.
	n.WriteFile(dropFile, client.Local+" "+client.Remote+"\n")
	n.WriteFile(dropFile, kecho.Addr+" 127.0.0.1:1\n")
	n.Dial(kecho.Addr).Echo(100)
}

func TestDropTimeWait(t *testing.T) {
	t.Parallel()
	n, kecho := dropping(t)
	var lines strings.Builder
	var gone []*harness.Conn
	for range 12 {
		c := n.Dial(kecho.Addr)
		c.Echo(10)
		c.Close()
		gone = append(gone, c)
		fmt.Fprintf(&lines, "%s\t%s\n", c.Local, c.Remote)
	}
	for _, c := range gone {
		n.AwaitSocket(c.Local, c.Remote, "TIME_WAIT")
	}
	stays := n.Dial(kecho.Addr)
	stays.Echo(10)
	stays.Close()
	n.AwaitSocket(stays.Local, stays.Remote, "TIME_WAIT")

	n.WriteFile(dropFile, lines.String())
	for _, c := range gone {
		if state := n.SocketState(c.Local, c.Remote); state != "" {
			t.Errorf("%s %s is still there, in %s", c.Local, c.Remote, state)
		}
	}
	if state := n.SocketState(stays.Local, stays.Remote); state != "TIME_WAIT" {
		t.Errorf("%s %s, which was not named, is in state %q", stays.Local, stays.Remote, state)
	}
	// The very same connection can be there again.
	n.DialFrom(gone[0].Local, kecho.Addr).Echo(10)
}

// A listener that never accepts or closes leaves each end in the state where its client has brought it.
func TestDropInAnyState(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	g.Insmod("droptcp")
	n := g.Init()
	for _, addr := range []string{"127.0.0.1:7000", "[::1]:7000"} {
		release := n.Occupy(addr)
		half, closed, server := n.Dial(addr), n.Dial(addr), n.Dial(addr)
		half.CloseWrite()
		closed.Close()
		for _, c := range []*harness.Conn{half, closed} {
			n.AwaitSocket(c.Local, c.Remote, "FIN_WAIT2")
			n.AwaitSocket(c.Remote, c.Local, "CLOSE_WAIT")
		}
		n.WriteFile(dropFile, half.Remote+" "+half.Local+"\n"+closed.Local+" "+closed.Remote+"\n"+
			server.Remote+" "+server.Local) // the last line needs no end
		half.WasReset()
		server.WasReset()
		n.AwaitSocket(closed.Local, closed.Remote, "")
		n.WriteFile(dropFile, closed.Remote+" "+closed.Local+"\n")
		n.AwaitSocket(closed.Remote, closed.Local, "")
		release()
	}
}

// Neither end of a connection that is only being opened knows yet whether there will be one.
func TestDropHalfOpen(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	g.Insmod("droptcp")
	n := g.Init()
	const addr = "127.0.0.1:7000"
	release := n.Occupy(addr)
	n.DialHalf(addr, 2)
	peers := n.HalfOpen(addr)
	if len(peers) != 2 {
		t.Errorf("half open are %q, want two", peers)
	}
	for _, peer := range peers {
		n.AwaitSocket(addr, peer, "SYN_RECV")
		n.AwaitSocket(peer, addr, "SYN_SENT")
		// Together: the one that is left would ask again, and be answered, or told that there is nobody.
		n.WriteFile(dropFile, addr+" "+peer+"\n"+peer+" "+addr+"\n")
		n.AwaitSocket(addr, peer, "")
		n.AwaitSocket(peer, addr, "")
	}
	release()
}

// Who has closed, and whose peer says nothing any more, is in FIN_WAIT1 for a quarter of an hour.
func TestDropSilentPeer(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	g.Insmod("droptcp")
	red, blue := g.Netns("red"), g.Netns("blue")
	red.Veth("10.0.0.1/24", blue, "10.0.0.2/24")
	blue.Occupy("10.0.0.2:7000")
	c := red.Dial("10.0.0.2:7000")
	blue.WriteFile("/sys/class/net/vetha1/flags", "0x1002") // down
	c.Close()
	red.AwaitSocket(c.Local, c.Remote, "FIN_WAIT1")
	red.WriteFile(dropFile, c.Local+" "+c.Remote+"\n")
	red.AwaitSocket(c.Local, c.Remote, "")
}

// An IPv4 connection of an IPv6 socket has a name in either family.
func TestDropMappedAddress(t *testing.T) {
	t.Parallel()
	n, kecho := dropping(t)
	c := n.Dial(kecho.Addr)
	c.Echo(10)
	n.WriteFile(dropFile, mapped(c.Local)+" "+mapped(c.Remote)+"\n")
	c.Aborted()
}

func mapped(addr string) string {
	host, port, _ := strings.Cut(addr, ":")
	return "[::ffff:" + host + "]:" + port
}

func TestDropRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	n, kecho := dropping(t)
	c := n.Dial(kecho.Addr)
	c.Echo(10)
	good := c.Local + " " + c.Remote
	for i, bad := range []string{
		"nonsense",
		c.Local,
		good + " " + c.Remote,
		"127.0.0.1 127.0.0.1:80",
		"127.0.0.1:0 127.0.0.1:80",
		"127.0.0.1:65536 127.0.0.1:80",
		"127.0.0.1:+1 127.0.0.1:80",
		"127.0.0.1:0x50 127.0.0.1:80",
		"127.0.1:80 127.0.0.1:80",
		"127.0.0.256:80 127.0.0.1:80",
		"127.0.0.1:80 [::1]:80",
		"::1:80 ::1:81",
		"[::1:80 [::1]:81",
		"[::1]80 [::1]:81",
		"[::1::]:80 [::1]:81",
		"[]:80 [::1]:81",
		"localhost:80 localhost:81",
		good + "\r",
		good + "\x00",
		strings.Repeat("1", 5000),
	} {
		// Good lines before and after it change nothing.
		said := n.Said(func() { n.WriteFails(dropFile, good+"\n"+bad+"\n"+good+"\n", syscall.EINVAL) })
		if i < 5 && !strings.Contains(said, "droptcp: line 2") { // more of them are not logged
			t.Errorf("after the line %q the kernel log says %q, want it to name droptcp and line 2", bad, said)
		}
	}
	n.WriteFile(dropFile, "\n \t\n\n") // nothing is not nonsense
	// As printf writes it, without a newline: nobody would hear of it when the file is closed.
	for _, bad := range []string{"nonsense", c.Local, "127.0.0.1:12", good + ":"} {
		n.WriteFails(dropFile, bad, syscall.EINVAL)
	}
	c.Echo(1000)
}

// Programs write what their buffers hold: the end of one write can be in the midst of a port.
func TestDropLineInPieces(t *testing.T) {
	t.Parallel()
	n, kecho := dropping(t)
	c := n.Dial(kecho.Addr)
	c.Echo(10)
	line := c.Local + " " + c.Remote + "\n"
	at := len(line) - 3
	n.WriteLoop(dropFile, 1, 2, line[:at], line[at:])
	c.Aborted()
}

// Of a write that is too long whole lines are taken: the next one does not begin within a port.
func TestDropLongWrite(t *testing.T) {
	t.Parallel()
	n, kecho := dropping(t)
	first, last := n.Dial(kecho.Addr), n.Dial(kecho.Addr)
	first.Echo(10)
	last.Echo(10)
	absent := strings.Repeat("127.0.0.1:1 127.0.0.1:2\n", 4000)
	all := first.Local + " " + first.Remote + "\n" + absent + last.Local + " " + last.Remote + "\n"
	if got := n.WriteLoop(dropFile, 1, 1, all); got[syscall.EIO] != 1 { // cut short
		t.Errorf("a write of %d bytes: %v, want it to be cut short", len(all), got)
	}
	first.Aborted()
	last.Echo(10)
	// What was cut off would make this another line.
	if got := n.WriteLoop(dropFile, 1, 2, all, last.Local+" "+last.Remote+"\n"); got[0] != 1 || got[syscall.EIO] != 1 {
		t.Errorf("a write of %d bytes, and a line: %v, want one cut short and one success", len(all), got)
	}
	last.Aborted()

	// Lines are counted from the file's opening on.
	said := n.Said(func() { n.WriteLoop(dropFile, 1, 2, "127.0.0.1:1 127.0.0.1:2\n\n\n", "nonsense\n") })
	if !strings.Contains(said, "droptcp: line 4:") {
		t.Errorf("after three lines and a bad one the kernel log says %q, want it to name line 4", said)
	}
}

// A pair that is not there is looked for once on each interface, however many there are.
func TestDropAmongManyInterfaces(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.OnInstructions(), harness.StockAlone())
	g.Insmod("droptcp")
	now := func() (ns float64) { // of guest time, which /proc/uptime has only in hundredths of a second
		_, after, _ := strings.Cut(g.Init().ReadFile("/proc/timer_list"), "\nnow at ")
		if _, err := fmt.Sscan(after, &ns); err != nil {
			t.Fatalf("no time in /proc/timer_list: %v", err)
		}
		return ns
	}
	const rounds, lines = 12, 2000
	pairs := []int{0, 6, 24}
	var spaces []*harness.Netns
	for _, p := range pairs {
		n := g.Netns(fmt.Sprintf("with%d", p))
		for i := range p {
			n.Veth(fmt.Sprintf("10.0.%d.1/24", i), n, fmt.Sprintf("10.0.%d.2/24", i))
		}
		spaces = append(spaces, n)
	}
	// The kernel goes on with its own work, for interfaces that are new and else, on the same processor: the quickest write met least of it.
	took := slices.Repeat([]float64{math.Inf(1)}, len(pairs))
	for range rounds {
		for i, n := range spaces {
			before := now()
			n.WriteFile(dropFile, strings.Repeat("127.0.0.1:1 127.0.0.1:2\n", lines))
			took[i] = min(took[i], (now()-before)/1e6)
		}
	}
	t.Logf("with %d pairs of interfaces %d lines about nobody took %.3f ms", pairs, lines, took)
	few, many := took[1]-took[0], took[2]-took[0]
	// Four times the interfaces, four times the looks. It is more where each interface is looked for among all.
	if ratio := float64(pairs[2]) / float64(pairs[1]); few <= 0 || many > 1.25*ratio*few {
		t.Errorf("%d pairs of interfaces cost %.3f ms, %d cost %.3f ms", pairs[1], few, pairs[2], many)
	}
}

// Who makes a listener deaf, as "ss -K" does, sees it in status, and can have it again.
func TestStatusOfAListenerThatWasAborted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../module")); err != nil {
		t.Fatal(err)
	}
	// A droptcp that takes the listener where there is no such connection.
	path := filepath.Join(dir, "droptcp", "drop.c")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := regexp.MustCompile(`return __inet_lookup_established\(net, table, pair->remote\.v4, port,[^;]*;`).ReplaceAll(text,
		[]byte("return inet_lookup(net, table, NULL, 0, pair->remote.v4, port, pair->local.v4, htons(pair->local.port), dif);"))
	if bytes.Equal(changed, text) {
		t.Fatal("drop.c looks connections up in another way")
	}
	if err := os.WriteFile(path, changed, 0o666); err != nil {
		t.Fatal(err)
	}
	g := harness.Clone(t, harness.Sources(dir))
	g.Insmod("droptcp")
	kweb := g.Serve(harness.Web)
	n := g.Init()
	kweb.Enable(n)
	waits := n.Dial(kweb.Addr)
	n.Get(kweb.Addr).WantStatus(200)
	n.WriteFile(dropFile, kweb.Addr+" 127.0.0.1:1\n")
	n.Refuses(kweb.Addr)
	const status = "/sys/kernel/webserver/net/data/status"
	if got := n.ReadFile(status); got != "0\n" {
		t.Errorf("status of a listener that was aborted is %q, want 0", got)
	}
	n.WriteFile(status, "1")
	n.Get(kweb.Addr).WantStatus(200)
	if got := n.ReadFile(status); got != "1\n" {
		t.Errorf("status of a listener that was started again is %q, want 1", got)
	}
	waits.Ends()
}

func TestDropInItsOwnNamespaceOnly(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t)
	g.Insmod("droptcp")
	g.Serve(harness.Echo, "netns=all")
	red, blue := g.Netns("red"), g.Netns("blue")
	const client, server = "127.0.0.1:5000", "127.0.0.1:12345"
	inRed, inBlue := red.DialFrom(client, server), blue.DialFrom(client, server)
	inRed.Echo(10)
	inBlue.Echo(10)
	red.WriteFile(dropFile, client+" "+server+"\n")
	inRed.Aborted()
	inBlue.Echo(10)
	red.Delete()
	blue.WriteFile(dropFile, client+" "+server+"\n")
	inBlue.Aborted()
}

func TestDropRmmodWhileItDrops(t *testing.T) {
	t.Parallel()
	g := harness.Clone(t, harness.SMP())
	droptcp := g.Insmod("droptcp")
	kecho := g.Serve(harness.Echo)
	n := g.Init()
	c := n.Dial(kecho.Addr)
	wait := n.StartWriteLoop(dropFile, 2, 20_000, c.Local+" "+c.Remote+"\n", kecho.Addr+" "+c.Local+"\n", "127.0.0.1:1")
	droptcp.Rmmod()
	outcomes := wait()
	if outcomes[0] == 0 || len(outcomes) < 2 {
		t.Errorf("writing pairs: %v by errno, want some before the module went and some after", outcomes)
	}
	for errno := range outcomes {
		switch errno {
		case 0, syscall.EIO, syscall.ENOENT, syscall.EINVAL: // written, gone, or glued to half a line
		default:
			t.Errorf("writing while the module went: %v", errno)
		}
	}
	if n.Has(dropFile) {
		t.Errorf("%s is still there after rmmod", dropFile)
	}
	n.Dial(kecho.Addr).Echo(10)
}
