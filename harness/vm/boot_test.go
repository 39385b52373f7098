package vm

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ktcp/guest/wire"
	"ktcp/harness/image"
)

// TestBootsThatFail boots what cannot come up. Each error must say in one line how far it came and why it ended,
// and carry the console.
func TestBootsThatFail(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(t *testing.T, s *Spec)
		says   string // part of the error
		shows  string // part of its detail
		err    error  // what the error is
	}{
		{"panic", func(t *testing.T, s *Spec) {
			empty := filepath.Join(t.TempDir(), "initramfs")
			if err := os.WriteFile(empty, make([]byte, 512), 0o644); err != nil {
				t.Fatal(err)
			}
			s.Image = &image.Image{Path: empty, ID: "empty"}
		}, "guest panicked: Kernel panic - not syncing: VFS", "Call Trace", nil},
		{"no virtio", func(_ *testing.T, s *Spec) {
			s.Append = []string{"module_blacklist=virtio_pci", "initcall_blacklist=virtio_pci_driver_init"}
		}, portName + " was never opened (no virtio-serial in this kernel?): guest powered off: ktcp-agent:", "virtio", nil},
		{"hang", func(_ *testing.T, s *Spec) {
			s.QEMU, s.BootTimeout = stub(t, "echo firmware; exec sleep 1000"), 200*time.Millisecond
		}, "was never opened", "firmware", context.DeadlineExceeded},
		{"hang without a word", func(_ *testing.T, s *Spec) {
			s.QEMU, s.BootTimeout = stub(t, "exec sleep 1000"), 200*time.Millisecond
		}, "nothing on the console", "", context.DeadlineExceeded},
		{"no kernel image", func(_ *testing.T, s *Spec) {
			k := *s.Kernel
			k.Image = "/no/such/vmlinuz"
			s.Kernel = &k
		}, "guest failed (QEMU: exit status 1)", "/no/such/vmlinuz", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, _ := private(t)
			test.change(t, &s)
			s.Console = filepath.Join(t.TempDir(), "console")
			g, err := Boot(t.Context(), s)
			var boot *BootError
			if !errors.As(err, &boot) {
				if g != nil {
					g.Close()
				}
				t.Fatalf("error %v (%T), want a BootError", err, err)
			}
			if !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q, want one line with %q", err, test.says)
			}
			if test.err != nil && !errors.Is(err, test.err) {
				t.Errorf("error %v is not %v", err, test.err)
			}
			if !strings.Contains(boot.Detail(), test.shows) {
				t.Errorf("detail lacks %q:\n%s", test.shows, boot.Detail())
			}
			if file, err := os.ReadFile(s.Console); err != nil || !bytes.Equal(file, boot.Console) {
				t.Errorf("the console's file has %d bytes of %d, %v", len(file), len(boot.Console), err)
			}
			nothingLeft(t, s.Cache)
		})
	}
}

// TestColdBoot boots a guest without a template, on the clock that counts instructions: what is asked of either.
func TestColdBoot(t *testing.T) {
	s, book := private(t)
	g, err := Boot(t.Context(), s)
	if err != nil {
		detail(t, err)
	}
	if g.Timing().Cloned || len(g.BootConsole()) != 0 || book.count("template") != 0 {
		t.Errorf("a template had to do with it:\n%s", book)
	}
	if got := g.Hello(); got.Release != s.Kernel.Release || got.CPUs != 2 {
		t.Errorf("the guest is %+v, want release %s on 2 CPUs", got, s.Kernel.Release)
	}
	if !bytes.Contains(g.Console(), []byte("Linux version")) {
		t.Errorf("the console does not begin with the kernel's boot")
	}
	if _, err := Call(t.Context(), g, wire.Modules, wire.None{}); err != nil {
		t.Error(err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	nothingLeft(t, s.Cache)
}
