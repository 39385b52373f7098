package rest

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"ktcp/guest/wire"
)

// ErrFormat is returned for a /proc/stat that is not in the format known.
var ErrFormat = errors.New("cannot read processor times")

const (
	// share of a window that must be idle: one in so many.
	share = 4
	// leastLooks are taken however late it is.
	leastLooks = 4
)

// Proc looks at a procfs.
type Proc struct {
	stat  string
	sleep func(time.Duration)
	// running lists the kernel threads that want to run.
	running func() ([]wire.Thread, error)
}

// New returns what looks at the guest; running lists its kernel threads that want to run.
func New(running func() ([]wire.Thread, error)) *Proc {
	return &Proc{stat: "/proc/stat", sleep: time.Sleep, running: running}
}

// Await answers [wire.Idle].
func (p *Proc) Await(req wire.IdleRequest) (wire.IdleAnswer, error) {
	deadline := time.Now().Add(req.Limit)
	before, err := p.read()
	if err != nil {
		return wire.IdleAnswer{}, err
	}
	rested := map[int]bool{}
	for look := 0; ; look++ {
		p.sleep(req.Window)
		now, err := p.read()
		if err != nil {
			return wire.IdleAnswer{}, err
		}
		for cpu, t := range now {
			if d := t.total - before[cpu].total; d > 0 && (t.idle-before[cpu].idle)*share >= d {
				rested[cpu] = true
			}
		}
		if len(rested) == len(now) {
			return wire.IdleAnswer{}, nil
		}
		if look+1 >= leastLooks && !time.Now().Before(deadline) {
			return p.busy(now, rested)
		}
		before = now
	}
}

// busy is the answer when some processors never rested.
func (p *Proc) busy(all map[int]times, rested map[int]bool) (wire.IdleAnswer, error) {
	var answer wire.IdleAnswer
	for cpu := range all {
		if !rested[cpu] {
			answer.Busy = append(answer.Busy, cpu)
		}
	}
	slices.Sort(answer.Busy)
	var err error
	answer.Threads, err = p.running()
	return answer, err
}

// times are what a processor has spent, in ticks.
type times struct{ idle, total uint64 }

func (p *Proc) read() (map[int]times, error) {
	text, err := os.ReadFile(p.stat)
	if err != nil {
		return nil, fmt.Errorf("read processor times: %w", err)
	}
	return parse(string(text))
}

// parse reads the lines "cpu0 user nice system idle iowait irq softirq steal guest guest_nice".
func parse(text string) (map[int]times, error) {
	all := map[int]times{}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 6 || !strings.HasPrefix(fields[0], "cpu") || fields[0] == "cpu" {
			continue
		}
		cpu, err := strconv.Atoi(fields[0][len("cpu"):])
		if err != nil {
			return nil, fmt.Errorf("%w: %q", ErrFormat, line)
		}
		var t times
		// What guests of the guest take is in user time already.
		for i, f := range fields[1:min(len(fields), 9)] {
			n, err := strconv.ParseUint(f, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%w: %q", ErrFormat, line)
			}
			t.total += n
			if i == 3 || i == 4 {
				t.idle += n
			}
		}
		all[cpu] = t
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: no processor in it", ErrFormat)
	}
	return all, nil
}
