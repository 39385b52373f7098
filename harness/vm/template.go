package vm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"ktcp/harness/cache"
)

// formatVersion changes when templates, or verdicts, of an older build of this package must not be used.
const formatVersion = "2"

// templateKind is the place of templates in the cache, templateAge how long one is kept that nobody uses, and templateBytes
// what all may take: each takes 120 to 270 MiB, every change of the agent makes new ones, and a run of all flavors uses about
// fifteen.
const (
	templateKind        = "templates"
	templateAge         = 3 * 24 * time.Hour
	templateBytes int64 = 8 << 30
)

// template is a saved guest that was checked.
type template struct {
	key     string
	ram     *os.File // open as long as the process lives, so that clones work even when the cache drops it
	state   []byte
	console []byte // of its boot
}

// templateKey digests everything that a saved guest depends on.
func (m *machine) templateKey() string {
	w := wiring{agentFD: 3, monitorFD: 4, ramFD: 5, shared: true}
	parts := []string{formatVersion, m.spec.identity(), m.emulator.id, m.emulator.version, kernelArgs(m.shape, m.spec.Append)}
	parts = append(parts, qemuArgs(m.shape, w)...)
	// KVM's -cpu host is this processor, and TCG counts its ticks.
	parts = append(parts, hostCPU())
	return cache.Key(parts...)
}

// saved returns the machine's template: the one it has, the one in the cache, or a new one. Where saving a guest does not work
// the error wraps errMigrate.
func (m *machine) saved(ctx context.Context) (*template, error) {
	if m.template != nil {
		return m.template, nil
	}
	c, key := m.spec.Cache, m.templateKey()
	for retry := false; ; retry = true {
		dir, err := c.Entry(ctx, templateKind, key, m.save)
		if err != nil {
			return nil, err
		}
		t, err := loadTemplate(dir, int64(m.shape.memoryMiB)<<20)
		if err == nil {
			t.key = key
			m.template = t
			return t, nil
		}
		if retry {
			return nil, fmt.Errorf("read template: %w", err)
		}
		m.spec.Logf("template %s is damaged (%v): making it again", key, err)
		if err := c.Drop(ctx, templateKind, key); err != nil {
			return nil, err
		}
	}
}

// save boots a guest and saves it into dir.
func (m *machine) save(ctx context.Context, dir string) (err error) {
	m.spec.Logf("template: booting %s under %s, once for all clones", m.spec.Kernel.Release, m.shape.accel)
	bounded, cancel := context.WithTimeout(ctx, driftBoots*m.spec.BootTimeout)
	defer cancel()
	began := time.Now()
	b, ram, err := m.bootSteady(bounded, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ram.Close()) }()
	bootTime := time.Since(began)
	state, err := b.save(bounded, m.shape)
	err = errors.Join(err, b.process.kill())
	if err != nil {
		return err
	}
	if err := trim(ram); err != nil {
		return err
	}
	if err := writeTemplate(dir, ram, state, b.process.console.bytes()); err != nil {
		return err
	}
	m.spec.Logf("template: ready, booted in %v, saved in %v", bootTime.Round(10*time.Millisecond),
		(time.Since(began) - bootTime).Round(10*time.Millisecond))
	if err := errors.Join(m.spec.Cache.Prune(ctx, templateKind, templateAge),
		m.spec.Cache.PruneTo(ctx, templateKind, templateBytes)); err != nil {
		m.spec.Logf("template: old ones could not be removed: %v", err)
	}
	return nil
}

// hostCPU describes the host's processor as far as a guest sees it.
func hostCPU() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	return cpuModel(info)
}
