package rest

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"ktcp/guest/wire"
)

// ErrFormat is returned for a /proc/stat that is not in the format known.
var ErrFormat = errors.New("cannot read processor times")

// atRest is how much of one processor may run in a window in which the guest rests, in all: a thread that spins may wander from one
// processor to the other, so that none of them is busy by itself.
const atRest = 0.5

// leastLooks are taken however late it is.
const leastLooks = 4

// Proc looks at a procfs.
type Proc struct {
	stat  string
	now   func() time.Time
	sleep func(time.Duration)
	// running lists the kernel threads that want to run.
	running func() ([]wire.Thread, error)
}

// New returns what looks at the guest; running lists its kernel threads that want to run.
func New(running func() ([]wire.Thread, error)) *Proc {
	return &Proc{stat: "/proc/stat", now: time.Now, sleep: time.Sleep, running: running}
}

// Await answers [wire.Idle].
func (p *Proc) Await(req wire.IdleRequest) (wire.IdleAnswer, error) {
	deadline := time.Now().Add(req.Limit)
	before, err := p.read()
	if err != nil {
		return wire.IdleAnswer{}, err
	}
	answer := wire.IdleAnswer{Running: -1}
	for look := 0; ; look++ {
		p.sleep(req.Window)
		now, err := p.read()
		if err != nil {
			return wire.IdleAnswer{}, err
		}
		if ran := now.ranSince(before); answer.Running < 0 || ran < answer.Running {
			answer.Running = ran
		}
		if answer.Running >= 0 && answer.Running <= atRest {
			return answer, nil
		}
		if look+1 >= leastLooks && !time.Now().Before(deadline) {
			answer.Busy = true
			answer.Threads, err = p.running()
			return answer, err
		}
		before = now
	}
}

// times are what all processors have spent idle up to a time.
type times struct {
	cpus int
	idle time.Duration
	at   time.Time
}

// tick is the unit of /proc/stat, USER_HZ.
const tick = 10 * time.Millisecond

// ranSince returns how many processors ran, on average, between two looks. What is not idle time ran: time in which the host left no
// processor to a guest that wanted one is in no account at all.
func (t times) ranSince(before times) float64 {
	elapsed := t.at.Sub(before.at)
	if elapsed <= 0 {
		return float64(t.cpus)
	}
	return max(0, float64(t.cpus)-float64(t.idle-before.idle)/float64(elapsed))
}

func (p *Proc) read() (times, error) {
	text, err := os.ReadFile(p.stat)
	if err != nil {
		return times{}, fmt.Errorf("read processor times: %w", err)
	}
	t, err := parse(string(text))
	t.at = p.now()
	return t, err
}

// parse reads the lines "cpu0 user nice system idle iowait irq softirq steal guest guest_nice".
func parse(text string) (times, error) {
	var t times
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 6 || !strings.HasPrefix(fields[0], "cpu") || fields[0] == "cpu" {
			continue
		}
		for _, f := range fields[4:6] { // idle, and idle while something waits for a disk
			n, err := strconv.ParseUint(f, 10, 64)
			if err != nil {
				return times{}, fmt.Errorf("%w: %q", ErrFormat, line)
			}
			t.idle += time.Duration(n) * tick
		}
		t.cpus++
	}
	if t.cpus == 0 {
		return times{}, fmt.Errorf("%w: no processor in it", ErrFormat)
	}
	return t, nil
}
