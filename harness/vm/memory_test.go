package vm

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRAMLayout(t *testing.T) {
	for _, tt := range []struct {
		size uint64
		want []ramRange
	}{
		{512 << 20, []ramRange{{end: 512 << 20}}},
		{q35MostBelow - 1<<20, []ramRange{{end: q35MostBelow - 1<<20}}},
		{4 << 30, []ramRange{{end: 2 << 30}, {start: 4 << 30, end: 6 << 30}}},
	} {
		if diff := cmp.Diff(tt.want, ramLayout(tt.size), cmp.AllowUnexported(ramRange{})); diff != "" {
			t.Errorf("%d bytes (-want +got):\n%s", tt.size, diff)
		}
	}
}

func TestParseHostAddress(t *testing.T) {
	if got, err := parseHostAddress("Host virtual address for 0x0 (ram) is 0x7f52c3e00000\r\n"); err != nil || got != 0x7f52c3e00000 {
		t.Errorf("address = %#x, %v", got, err)
	}
	for _, bad := range []string{"", "No memory is mapped at address 0x0", "Host virtual address for 0x0 (ram) is 0xnone"} {
		if _, err := parseHostAddress(bad); err == nil {
			t.Errorf("%q is an address", bad)
		}
	}
}

func TestMemoryIsTheGuests(t *testing.T) {
	g := clone(t, stock(t))
	m, err := g.Memory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if !MemoryReadable() {
		t.Error("it could be opened although this machine is said not to allow that")
	}
	resume, err := m.Pause(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// The kernel's image begins at 16 MiB where nothing moves it, and its banner is somewhere in it.
	image := make([]byte, 64<<20)
	_, readErr := m.ReadAt(image, 16<<20)
	if err := errors.Join(readErr, resume(t.Context())); err != nil {
		t.Fatal(err)
	}
	if want := "Linux version " + g.Hello().Release + " "; !bytes.Contains(image, []byte(want)) {
		t.Errorf("no %q in the memory of the guest", want)
	}
	if _, err := m.ReadAt(make([]byte, 2), int64(g.spec.MemoryMiB)<<20-1); !errors.Is(err, ErrMemoryBeyond) {
		t.Errorf("read beyond the end: %v, want %v", err, ErrMemoryBeyond)
	}
	// It runs again.
	if got := read(t, g, "/proc/sys/kernel/osrelease"); got != g.Hello().Release {
		t.Errorf("release = %q after the pause, want %q", got, g.Hello().Release)
	}
}
