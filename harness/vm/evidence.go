package vm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The files of [Guest.Evidence].
const (
	EvidenceConsole   = "guest-console.log" // all of it, the answers to SysRq included
	EvidenceBoot      = "boot-console.log"  // of the template's boot
	EvidenceEvents    = "qemu-events.txt"   // what QEMU reported
	EvidenceStatus    = "qemu-status.json"  // query-status: running, paused, internal-error ...
	EvidenceRegisters = "registers.txt"     // of all processors, twice: one that moves is not stuck
	EvidenceSysRq     = "sysrq.txt"         // what the kernel said to SysRq: CPUs, locks, blocked tasks, all tasks
	EvidenceEnd       = "guest-end.txt"     // how the guest ended, where it did
)

const (
	// sysrqKeys are pressed in this order: log level 9, so that the console gets it all, then backtraces of active
	// CPUs, held locks, blocked tasks, all tasks.
	sysrqKeys = "9ldwt"
	// sysrqAnswer is how long the console may take to show a first sign of life after a key.
	sysrqAnswer = 2 * time.Second
	// sysrqQuiet is how long the console must be silent before the answer is taken to be complete.
	sysrqQuiet = 500 * time.Millisecond
)

// Evidence returns what can still be had from a guest, alive or not, as files by name: its consoles, QEMU's state,
// and of a guest that runs the registers and what the kernel itself says when SysRq keys are pressed on its
// serial console, or when it gets an NMI in case it does not react to them. It changes the guest's log and
// log level. The map holds what could be had even if the error, for the rest, is not nil.
func (g *Guest) Evidence(ctx context.Context) (map[string][]byte, error) {
	files := map[string][]byte{}
	var problems []error
	p := g.process
	select {
	case <-p.dead:
		end := fmt.Sprintf("%v\nQEMU: %s\n", p.death, p.death.Status)
		files[EvidenceEnd] = []byte(end)
	default:
		problems = p.examine(ctx, files)
	}
	if len(g.boot) > 0 {
		files[EvidenceBoot] = g.BootConsole()
	}
	files[EvidenceConsole] = g.Console()
	files[EvidenceEvents] = p.monitor.transcript()
	return files, errors.Join(problems...)
}

// examine looks into a running guest.
func (p *process) examine(ctx context.Context, files map[string][]byte) (problems []error) {
	note := func(what string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", what, err))
		}
	}
	status, err := p.monitor.execute(ctx, []byte(`{"execute":"query-status"}`), nil)
	note("ask QEMU for its status", err)
	if err == nil {
		files[EvidenceStatus] = status
	}
	before, err := p.registers(ctx)
	note("read registers", err)
	said, err := p.sysrq(ctx)
	note("press SysRq keys", err)
	if len(said) > 0 {
		files[EvidenceSysRq] = said
	}
	after, err := p.registers(ctx)
	note("read registers again", err)
	if before+after != "" {
		files[EvidenceRegisters] = []byte("before SysRq\n\n" + before + "\nafter SysRq\n\n" + after)
	}
	return problems
}

// registers returns the registers of all processors.
func (p *process) registers(ctx context.Context) (string, error) {
	text, err := p.monitor.within(ctx).HumanMonitorCommand("info registers -a", nil)
	return strings.ReplaceAll(text, "\r", ""), err
}

// sysrq presses the keys and returns what the console says to them.
func (p *process) sysrq(ctx context.Context) ([]byte, error) {
	start := len(p.console.bytes())
	said := func() []byte {
		all := p.console.bytes()
		return all[min(start, len(all)):]
	}
	for i, key := range sysrqKeys {
		answered := p.console.next()
		// A break and the key within five seconds of it.
		if err := p.monitor.within(ctx).ChardevSendBreak(idConsole); err != nil {
			return said(), err
		}
		if _, err := p.vm.Console.Send(string(key)); err != nil {
			return said(), err
		}
		if answer, err := p.answers(ctx, answered); err != nil {
			return said(), err
		} else if answer {
			continue
		}
		if i > 0 {
			break // it fell silent in the middle: what came so far is the best there is
		}
		// Interrupts are off, or nothing listens to the console. An NMI gets through to a kernel that spins.
		answered = p.console.next()
		if err := p.monitor.within(ctx).InjectNmi(); err != nil {
			return said(), fmt.Errorf("no answer; inject NMI: %w", err)
		}
		if answer, err := p.answers(ctx, answered); err != nil {
			return said(), err
		} else if !answer {
			return said(), errors.New("no answer, nor to an NMI")
		}
		break
	}
	return said(), nil
}

// answers waits for the console to speak and then to fall silent. It reports whether it spoke.
func (p *process) answers(ctx context.Context, spoke <-chan struct{}) (bool, error) {
	timer := time.NewTimer(sysrqAnswer)
	defer timer.Stop()
	select {
	case <-spoke:
	case <-timer.C:
		return false, nil
	case <-p.dead:
		return false, p.death
	case <-ctx.Done():
		return false, ctx.Err()
	}
	return true, p.console.quiet(ctx, sysrqQuiet)
}
