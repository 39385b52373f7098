package trace

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"ktcp/guest/wire"
)

// ringPages is the room for samples on each processor: 32 MiB, enough for some 100,000.
const ringPages = 8192

// Profiler samples stacks while a load runs.
type Profiler struct {
	Run func(wire.LoadRequest) (wire.LoadResult, error)
}

// throttle would have the kernel take fewer samples when they take it long, as they do on an emulated processor.
const throttle = "/proc/sys/kernel/perf_cpu_time_max_percent"

// Profile runs the load and returns the stacks that were seen.
func (p Profiler) Profile(req wire.ProfileRequest) (answer wire.ProfileAnswer, err error) {
	if req.Period <= 0 {
		return answer, fmt.Errorf("profile: a period of %v", req.Period)
	}
	if err := os.WriteFile(throttle, []byte("0\n"), 0); err != nil {
		return answer, fmt.Errorf("profile: %w", err)
	}
	var events []*event
	defer func() {
		for _, e := range events {
			err = errors.Join(err, e.close())
		}
	}()
	for cpu := range runtime.NumCPU() {
		e, err := open(cpu, req.Period)
		if err != nil {
			return answer, err
		}
		events = append(events, e)
	}
	for _, e := range events {
		if err := e.switchTo(unix.PERF_EVENT_IOC_ENABLE); err != nil {
			return answer, err
		}
	}
	answer.Result, err = p.Run(req.Load)
	for _, e := range events {
		err = errors.Join(err, e.switchTo(unix.PERF_EVENT_IOC_DISABLE))
	}
	if err != nil {
		return answer, err
	}
	names := newTasks("/proc")
	seen := counted{}
	for _, e := range events { // of all processors first: a thread may run elsewhere than where it was made
		if err := names.learn(e.data()); err != nil {
			return answer, fmt.Errorf("profile: %w", err)
		}
	}
	for _, e := range events {
		n, err := seen.read(e.data(), names)
		if err != nil {
			return answer, fmt.Errorf("profile: %w", err)
		}
		answer.Lost += n
	}
	symbols, err := readSymbols("/proc/kallsyms")
	if err != nil {
		return answer, fmt.Errorf("profile: %w", err)
	}
	seen.describe(&answer, symbols)
	return answer, nil
}

// event is the kernel's sampling on one processor.
type event struct {
	fd   int
	ring []byte // a page of counts, then the samples
}

// Bits of perf_event_attr.
const (
	disabled             = 1 << 0
	excludeHV            = 1 << 6
	excludeIdle          = 1 << 7
	recordNames          = 1 << 9
	recordTasks          = 1 << 13
	excludeCallchainUser = 1 << 22
)

// open prepares sampling. The clock of a processor is a timer: it needs no performance counters, which emulated processors lack.
func open(cpu int, period time.Duration) (*event, error) {
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})), Config: unix.PERF_COUNT_SW_CPU_CLOCK,
		Sample: uint64(period), Sample_type: sampleType, Bits: disabled | excludeHV | excludeIdle | recordNames | recordTasks | excludeCallchainUser,
	}
	fd, err := unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("profile: perf_event_open: %w", err)
	}
	page := os.Getpagesize()
	ring, err := unix.Mmap(fd, 0, (1+ringPages)*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("profile: room for samples: %w", err), unix.Close(fd))
	}
	return &event{fd: fd, ring: ring}, nil
}

func (e *event) switchTo(ioctl uint) error {
	if err := unix.IoctlSetInt(e.fd, ioctl, 0); err != nil {
		return fmt.Errorf("profile: switch the sampling: %w", err)
	}
	return nil
}

// data returns the records. Nothing was taken out of the ring while it was written, so it has not wrapped: the kernel drops what does
// not fit.
func (e *event) data() []byte {
	head := (*unix.PerfEventMmapPage)(unsafe.Pointer(&e.ring[0])).Data_head
	return e.ring[os.Getpagesize():][:head]
}

func (e *event) close() error { return errors.Join(unix.Munmap(e.ring), unix.Close(e.fd)) }
