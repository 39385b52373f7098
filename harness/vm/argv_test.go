package vm

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hugelgupf/vmtest/qemu"
)

// TestCommandLine holds every way to start QEMU against its golden file, one argument a line. What decides about
// them is plain data, so no QEMU runs.
func TestCommandLine(t *testing.T) {
	realtime := shape{accel: TCG, clock: Realtime, cpus: 2, memoryMiB: 512}
	kvm := shape{accel: KVM, clock: Realtime, cpus: 2, memoryMiB: 512}
	instructions := shape{accel: TCG, clock: Instructions, cpus: 1, memoryMiB: 256}
	cold := wiring{agentFD: 3, monitorFD: 4}
	template := wiring{agentFD: 3, monitorFD: 4, ramFD: 5, shared: true}
	clone := wiring{agentFD: 3, monitorFD: 4, ramFD: 5, incoming: true}
	for _, test := range []struct {
		name  string
		shape shape
		wires wiring
	}{
		{"tcg-cold", realtime, cold},
		{"tcg-template", realtime, template},
		{"tcg-clone", realtime, clone},
		{"kvm-cold", kvm, cold},
		{"kvm-clone", kvm, clone},
		{"instructions-template", instructions, template},
		{"instructions-clone", instructions, clone},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := qemu.Options{QEMUCommand: guardCommand, QEMUArgs: append(guard(4711), "/usr/bin/"+qemuCommand)}
			o.QEMUArgs = append(o.QEMUArgs, qemuArgs(test.shape, test.wires)...)
			if !test.wires.incoming {
				o.Kernel, o.Initramfs, o.KernelArgs = "/boot/vmlinuz", "/initramfs", kernelArgs(test.shape, []string{"slub_debug=U"})
			}
			argv, err := o.Cmdline()
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", "argv", test.name), strings.Join(argv, "\n")+"\n")
		})
	}
}

// golden compares text with a file, or with -update writes it there.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); go test -update writes it anew\n%s", path, diff)
	}
}
