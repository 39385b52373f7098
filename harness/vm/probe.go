package vm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/harness/cache"
)

const (
	// accelVariable lets the user choose: "kvm" or "tcg".
	accelVariable = "KTCP_ACCEL"
	kvmDevice     = "/dev/kvm"
)

// prober decides on the accelerator.
type prober struct {
	wish   string // the user's
	device string // kvmDevice
}

// decide returns the accelerator for m and, unless it is KVM, the reason. KVM counts only when this very kernel
// has come up under it in time: there are machines whose /dev/kvm opens and even creates guests, which then hang.
func (p prober) decide(ctx context.Context, m *machine) (Accel, string, error) {
	switch {
	case m.spec.Clock == Instructions && p.wish == string(KVM):
		return "", "", fmt.Errorf("%w: %s=kvm, but only tcg counts instructions", ErrNoKVM, accelVariable)
	case m.spec.Clock == Instructions:
		return TCG, "it alone counts instructions", nil
	case p.wish == string(TCG):
		return TCG, accelVariable + "=tcg", nil
	case p.wish != "" && p.wish != string(KVM):
		return "", "", fmt.Errorf("%s is %q, want kvm or tcg", accelVariable, p.wish)
	}
	reason, err := p.verdict(ctx, m)
	switch {
	case err != nil:
		return "", "", err
	case reason == "":
		return KVM, "", nil
	case p.wish == string(KVM):
		return "", "", fmt.Errorf("%w: %s=kvm, but %s", ErrNoKVM, accelVariable, reason)
	}
	return TCG, reason, nil
}

// verdict returns why KVM does not work, or "". It is kept for as long as kernel, initramfs, QEMU, the host's kernel
// and its boot, and the device stay the same. Where one guest has not come up, no other of that kernel and initramfs is tried, whatever its
// memory and processors: each trial takes as long as a guest that hangs is waited for. Where one has, the others must show it, too.
func (p prober) verdict(ctx context.Context, m *machine) (string, error) {
	device, reason := p.open()
	if reason != "" {
		return reason, nil
	}
	host := cache.Key(m.emulator.id, device, hostIdentity(), m.spec.ProbeTimeout.String(), formatVersion)
	try := sync.OnceValues(func() (string, error) {
		m.spec.Logf("trying KVM: booting a guest under it, for %v at most", m.spec.ProbeTimeout)
		return m.try(ctx)
	})
	for _, guests := range []string{cache.Key(m.spec.Kernel.ID, m.spec.Image.ID), m.spec.identity()} {
		reason, err := remembered(ctx, m.spec.Cache, cache.Key(host, guests), try)
		if reason != "" || err != nil {
			return reason, err
		}
	}
	return "", nil
}

// remembered returns the verdict that is in the cache under that key, or else what try says.
func remembered(ctx context.Context, c *cache.Dir, key string, try func() (reason string, err error)) (string, error) {
	entry, err := c.Entry(ctx, "accel", key, func(_ context.Context, tmp string) error {
		reason, err := try()
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(tmp, "verdict"), []byte(reason), 0o644)
	})
	if err != nil {
		return "", err
	}
	verdict, err := os.ReadFile(filepath.Join(entry, "verdict"))
	if err != nil {
		return "", fmt.Errorf("read verdict on KVM: %w", err)
	}
	return string(verdict), nil
}

// open opens the device as QEMU will, and returns its identity or the reason why that does not work.
func (p prober) open() (identity, reason string) {
	f, err := os.OpenFile(p.device, os.O_RDWR, 0)
	if err != nil {
		var path *os.PathError
		errors.As(err, &path)
		reason = p.device + ": " + path.Err.Error()
		if errors.Is(err, os.ErrPermission) {
			reason += ", add yourself to its group"
		}
		return "", reason
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return "", p.device + ": " + err.Error()
	}
	return fmt.Sprint(p.device, st.Dev, st.Ino, st.Rdev, st.Mode, st.Ctim.Nano()), ""
}

// try boots a guest under KVM and returns why that did not work, or "". An error is no verdict.
func (m *machine) try(ctx context.Context) (string, error) {
	trial := *m
	trial.shape.accel = KVM
	within, cancel := context.WithTimeout(ctx, m.spec.ProbeTimeout)
	defer cancel()
	began := time.Now()
	b, err := trial.bootProcess(within, nil, "")
	var boot *BootError
	switch {
	case err == nil:
		_ = b.process.kill()
		m.spec.Logf("a guest booted under KVM in %v", time.Since(began).Round(10*time.Millisecond))
		return "", nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	case !errors.As(err, &boot):
		return "", err
	case within.Err() != nil:
		return fmt.Sprintf("KVM opened, but no guest booted under it within %v", m.spec.ProbeTimeout), nil
	default:
		return fmt.Sprintf("KVM opened, but no guest booted under it: %v", boot.Err), nil
	}
}

// hostIdentity is the host's kernel and its boot.
func hostIdentity() string {
	var u unix.Utsname
	_ = unix.Uname(&u) // fails only for a bad address
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		boot = nil // an unusual /proc: the release must do
	}
	return unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Version[:]) + " " + strings.TrimSpace(string(boot))
}
