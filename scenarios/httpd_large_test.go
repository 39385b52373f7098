package scenarios

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"ktcp/harness"
)

// meminfo returns a line of /proc/meminfo, in KiB.
func meminfo(t *testing.T, n *harness.Netns, name string) int {
	t.Helper()
	for line := range strings.Lines(n.ReadFile("/proc/meminfo")) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			if err != nil {
				t.Fatalf("/proc/meminfo: %q", line)
			}
			return kib
		}
	}
	t.Fatalf("/proc/meminfo has no %s", name)
	return 0
}

// The file is larger than the guest's memory, and longer than 32 bits can say: what is asked of it comes, and no more of it is ever in
// memory than is on its way. Nearly all of it is a hole, which takes no room.
func TestHTTPdFileLargerThanMemory(t *testing.T) {
	t.Parallel()
	const (
		hole    = 5 << 30
		end     = "the end of a long file\n"
		size    = hole + len(end)
		readers = 4
		most    = 32 << 10 // KiB, for all readers: what is in their sockets, and what the guest's agent needs
	)
	g, s, c := site(t)
	n := g.Init()
	g.FileBehind(hole, www+"/huge", end)
	if total := meminfo(t, n, "MemTotal"); total > size>>10 {
		t.Fatalf("the guest has %d KiB of memory, which a file of %d fits into", total, size)
	}

	wantField(t, c.Ask("HEAD", "/huge").WantStatus(200), "Content-Length", strconv.Itoa(size))
	for _, r := range []struct{ field, body, content string }{
		{"bytes=-23", end, fmt.Sprintf("bytes %d-%d/%d", hole, size-1, size)},
		{fmt.Sprintf("bytes=%d-", hole-1), "\x00" + end, fmt.Sprintf("bytes %d-%d/%d", hole-1, size-1, size)},
		{"bytes=4294967295-4294967296", "\x00\x00", fmt.Sprintf("bytes 4294967295-4294967296/%d", size)},
		{"bytes=0-1", "\x00\x00", fmt.Sprintf("bytes 0-1/%d", size)},
	} {
		answer := c.Ask("GET", "/huge", "Range: "+r.field).WantStatus(206)
		wantBody(t, answer, r.body)
		wantField(t, answer, "Content-Range", r.content)
	}
	wantField(t, c.Ask("GET", "/huge", fmt.Sprintf("Range: bytes=%d-", size)).WantStatus(416), "Content-Range", fmt.Sprintf("bytes */%d", size))

	free, slab, vmalloc := meminfo(t, n, "MemFree"), meminfo(t, n, "Slab"), meminfo(t, n, "VmallocUsed")
	var slow []*harness.Conn
	for range readers {
		r := n.Dial(s.Addr)
		r.Send("GET /huge HTTP/1.1\r\nHost: guest\r\n\r\n")
		head := string(r.Recv(1000))
		if !strings.HasPrefix(head, "HTTP/1.1 200 ") || !strings.Contains(head, fmt.Sprintf("\r\nContent-Length: %d\r\n", size)) {
			t.Errorf("a whole file begins with %q", head)
		}
		slow = append(slow, r)
	}
	wantBody(t, c.Ask("GET", "/hello.txt").WantStatus(200), "Hello, file!\n")
	grown := map[string]int{
		"memory that is not free": free - meminfo(t, n, "MemFree"),
		"slab":                    meminfo(t, n, "Slab") - slab,
		"vmalloc":                 meminfo(t, n, "VmallocUsed") - vmalloc,
	}
	t.Logf("KiB more with %d readers of %d: %v", readers, size, grown)
	for what, kib := range grown {
		if kib > most {
			t.Errorf("%d readers that wait within a file of %d bytes: %d KiB more %s, want at most %d", readers, size, kib, what, most)
		}
	}
	for _, r := range slow {
		r.Reset()
	}
	wantBody(t, c.Ask("GET", "/hello.txt").WantStatus(200), "Hello, file!\n")
}

// block is of a length that no buffer has.
func block() string {
	var b strings.Builder
	for i := 0; b.Len() < 65521; i++ {
		fmt.Fprintf(&b, "%d ", i)
	}
	return b.String()[:65521]
}

func TestHTTPdLargeFile(t *testing.T) {
	t.Parallel()
	g, s, c := site(t)
	const times = 64
	g.FileOf(www+"/large", block(), times)
	want := strings.Repeat(block(), times)
	if r := c.Ask("GET", "/large").WantStatus(200); r.Body != want {
		t.Errorf("the file came as %d bytes, want %d; the content is the same: %t", len(r.Body), len(want), r.Body == want)
	}
	r := c.Ask("GET", "/large", "Range: bytes=1000000-2999999").WantStatus(206)
	if r.Body != want[1000000:3000000] {
		t.Errorf("a range of 2000000 bytes came as %d others", len(r.Body))
	}
	wantBody(t, c.Ask("GET", "/hello.txt").WantStatus(200), "Hello, file!\n")

	// Who does not read is no burden to others, and may leave.
	slow := g.Init().Dial(s.Addr)
	slow.Send("GET /large HTTP/1.1\r\nHost: guest\r\n\r\n")
	wantBody(t, c.Ask("GET", "/hello.txt").WantStatus(200), "Hello, file!\n")
	slow.Reset()
}

// pause lets guest time pass for the connection, without reading from it: longer than its peer may take to acknowledge.
func pause(g *harness.Guest, s *harness.Subject, d time.Duration) {
	other := g.Init().Dial(s.Addr)
	other.Silent(d)
	other.Close()
}

// What comes while a file is on its way waits in the socket, request behind request in the memory of one packet. Each is read when
// its turn has come, and after the last one nothing is.
func TestHTTPdRequestsThatWaitForAFile(t *testing.T) {
	t.Parallel()
	g, s, _ := site(t)
	const times = 200
	g.FileOf(www+"/large", block(), times)
	const next = "GET /dir/sub/x HTTP/1.1\r\nHost: guest\r\n\r\n"
	for _, c := range []struct {
		method, request string
		status          int
		closes          bool
	}{
		{"GET", "GET /hello.txt HTTP/1.1\r\nHost: guest\r\n\r\n", 200, false},
		{"GET", "GET /hello.txt HTTP/1.1\r\nHost: guest\r\nConnection: close\r\n\r\n", 200, true},
		{"POST", "POST / HTTP/1.1\r\nHost: guest\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 405, true},
		{"GET", "nonsense\r\n\r\n", 400, true},
	} {
		conn := g.Init().Dial(s.Addr)
		conn.Send("GET /large HTTP/1.1\r\nHost: guest\r\n\r\n")
		pause(g, s, 100*time.Millisecond)
		conn.Send(c.request)
		pause(g, s, 100*time.Millisecond)
		conn.Send(next)
		pause(g, s, 100*time.Millisecond)
		if r := conn.Answer("GET").WantStatus(200); len(r.Body) != times*len(block()) {
			t.Errorf("the large file came as %d bytes", len(r.Body))
		}
		conn.Answer(c.method).WantStatus(c.status)
		if !c.closes {
			wantBody(t, conn.Answer("GET").WantStatus(200), "x")
			conn.Close()
			continue
		}
		conn.Closes()
		conn.Close()
	}
}

// A client may take its last file slowly: as long as it takes some of it, it gets all, FIN or not.
func TestHTTPdSlowReaderOfItsLastFile(t *testing.T) {
	t.Parallel()
	g, s, _ := site(t)
	const times = 6
	g.FileOf(www+"/large", block(), times)
	c := g.Init().Dial(s.Addr)
	c.Send("GET /large HTTP/1.1\r\nHost: guest\r\nConnection: close\r\n\r\n")
	pause(g, s, 7*time.Second)
	if r := c.Answer("GET").WantStatus(200); len(r.Body) != times*len(block()) {
		t.Errorf("the file came as %d bytes, want %d", len(r.Body), times*len(block()))
	}
	c.Closes()
}
