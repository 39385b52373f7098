package boot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/u-root/u-root/pkg/kmodule"
	"golang.org/x/sys/unix"

	"ktcp/guest/netns"
	"ktcp/guest/program"
)

// drivers are the kernel modules without which the host cannot be heard, where they are not built in.
var drivers = []string{"virtio_pci", "virtio_console"}

// early are kernel modules that are loaded although nobody may ever need them: a module that appears later would look as
// if the one under test had left it behind.
var early = []string{"veth"}

// maxFiles is what the kernel allows at most unless fs.nr_open is changed.
const maxFiles = 1 << 20

// Up brings the guest up. It must be called once, by PID 1, before anything else.
func Up() error {
	if err := mountAll(); err != nil {
		return err
	}
	if err := applySettings(settingsDir, settings); err != nil {
		return err
	}
	// As many connections as a scenario wants; the kernel starts PID 1 with 4096 files.
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: maxFiles, Max: maxFiles}); err != nil {
		return fmt.Errorf("raise the limit of open files: %w", err)
	}
	if err := Probe(drivers...); err != nil {
		return err
	}
	_ = Probe(early...) // whoever needs one that is missing is told
	if err := netns.LoopbackUp(); err != nil {
		return err
	}
	go func() {
		defer DieOnPanic()
		program.Reap()
	}()
	return nil
}

// Probe loads one of the modules that the initramfs carries, with those that it depends on. One that is built in or
// loaded is none of its business.
func Probe(names ...string) error {
	prober, err := kmodule.NewProber(kmodule.ProbeOpts{})
	if err != nil {
		return fmt.Errorf("read the initramfs's kernel modules: %w", err)
	}
	for _, name := range names {
		if err := prober.Probe(name, ""); err != nil {
			return fmt.Errorf("load kernel module %s: %w", name, err)
		}
	}
	return nil
}

// setting is one value below /proc/sys.
type setting struct {
	path, value string
	optional    bool
}

// settings make the kernel tell all it knows and go on after an oops, so that its evidence can be read.
var settings = []setting{
	{path: "kernel/printk", value: "8 4 1 7"},
	{path: "kernel/printk_ratelimit", value: "0"},
	{path: "kernel/sysrq", value: "1", optional: true},
	{path: "kernel/kptr_restrict", value: "0"},
	{path: "kernel/panic_on_oops", value: "0"},
	{path: "kernel/hung_task_timeout_secs", value: "20", optional: true},
	{path: "kernel/hung_task_warnings", value: "-1", optional: true},
	// As systemd has it: a PID is not given twice in a guest's life, and so names one thread.
	{path: "kernel/pid_max", value: "4194304"},
	// Packets are freed at once, and not when the processor that allocated them next looks: the ledger sees them.
	// From now on the kernel does not log that caches are dropped, which the ledger has it do.
	{path: "vm/drop_caches", value: "4"},
	{path: "net/core/skb_defer_max", value: "0", optional: true},
	// A namespace gets no tunnel that nobody asked for (sit0, where the kernel has that built in): a fifth of what it takes to make one.
	{path: "net/core/fb_tunnels_only_for_init_net", value: "1", optional: true},
}

// settingsDir is where settings are.
const settingsDir = "/proc/sys"

func applySettings(dir string, all []setting) error {
	for _, s := range all {
		err := set(filepath.Join(dir, s.path), s.value)
		if err != nil && !(s.optional && errors.Is(err, os.ErrNotExist)) {
			return fmt.Errorf("set %s to %q: %w", s.path, s.value, err)
		}
	}
	return nil
}

// set writes a file that is there already.
func set(path, value string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}
