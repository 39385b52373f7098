package timers

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ktcp/harness/introspect"
	"ktcp/harness/introspect/fake"
)

// A made-up kernel with two processors: where its things are in physical memory, all of which is mapped at fake.PageOffset.
const (
	fakeVariables = 0x100000 // each in 16 bytes of its own
	fakeArea      = 0x110000 // of the first processor; 0x1000 further the other's
	fakeTimer     = 0x120000 // timers, 0x100 each
	fakeRAM       = 2 << 20

	moduleText = 0xffffffffc0400000
)

const fakeSymbols = `0000000000000200 A timer_bases
0000000000000280 A hrtimer_bases
0000000000000300 A next_variable
ffffffff81000000 T _stext
ffffffff81000100 t delayed_work_timer_fn
ffffffff81000200 t process_timeout
ffffffff81100000 D __per_cpu_offset
ffffffff81100010 D jiffies
ffffffff81100020 D nr_cpu_ids
ffffffff81100030 D modules
ffffffff81102060 B _end
`

type fakeKernel struct {
	fake.Memory
	kernel *introspect.Kernel
}

// newFake returns the kernel, without timers. Each processor has two wheels of four slots.
func newFake(t *testing.T) *fakeKernel {
	t.Helper()
	f := &fakeKernel{Memory: fake.New(fakeRAM)}
	f.kernel = fake.Kernel(t, fakeSymbols, map[string]introspect.Struct{
		"timer_base":         {Size: 64, Fields: map[string]introspect.Field{"clk": fake.Field(0, 8), "vectors": fake.Field(16, 32)}},
		"timer_list":         {Size: 40, Fields: map[string]introspect.Field{"entry": fake.Field(0, 16), "expires": fake.Field(16, 8), "function": fake.Field(24, 8)}},
		"delayed_work":       {Size: 88, Fields: map[string]introspect.Field{"work": fake.Field(0, 32), "timer": fake.Field(32, 40)}},
		"work_struct":        {Size: 32, Fields: map[string]introspect.Field{"entry": fake.Field(8, 16), "func": fake.Field(24, 8)}},
		"hrtimer_cpu_base":   {Size: 128, Fields: map[string]introspect.Field{"clock_base": fake.Field(64, 64)}},
		"hrtimer_clock_base": {Size: 32, Fields: map[string]introspect.Field{"active": fake.Field(8, 16)}},
		"timerqueue_head":    {Size: 16, Fields: map[string]introspect.Field{"rb_root": fake.Field(0, 16)}},
		"rb_root_cached":     {Size: 16, Fields: map[string]introspect.Field{"rb_root": fake.Field(0, 8), "rb_leftmost": fake.Field(8, 8)}},
		"hrtimer":            {Size: 64, Fields: map[string]introspect.Field{"node": fake.Field(0, 32), "function": fake.Field(40, 8)}},
		"timerqueue_node":    {Size: 32, Fields: map[string]introspect.Field{"node": fake.Field(0, 24), "expires": fake.Field(24, 8)}},
		"rb_node":            {Size: 24, Fields: map[string]introspect.Field{"rb_right": fake.Field(8, 8), "rb_left": fake.Field(16, 8)}},
		"module":             {Size: 64, Fields: map[string]introspect.Field{"list": fake.Field(0, 16), "name": fake.Field(16, 16)}},
	})
	f.Put(fakeVariables, fake.PageOffset+fakeArea)
	f.Put(fakeVariables+8, fake.PageOffset+fakeArea+0x1000)
	f.Put(fakeVariables+0x10, 1000) // jiffies, 250 a second
	f.Put(fakeVariables+0x20, 2)
	f.Put(fakeVariables+0x30, 0xffffffff81100030) // no modules
	return f
}

// timer puts timer number n, which calls fn, at the head of a slot, and returns where it is.
func (f *fakeKernel) timer(n, cpu, base, slot int, fn, expires uint64) uint64 {
	at := uint64(fakeTimer + 0x100*n)
	head := uint64(fakeArea + 0x1000*cpu + 0x200 + 64*base + 16 + 8*slot)
	copy(f.Memory[at:], f.Memory[head:head+8])
	f.Put(at+16, expires)
	f.Put(at+24, fn)
	f.Put(head, fake.PageOffset+at)
	return fake.PageOffset + at
}

func (f *fakeKernel) read(t *testing.T) ([]Timer, error) {
	t.Helper()
	r, err := New(f.kernel, map[string]string{"CONFIG_HZ": "250"})
	if err != nil {
		t.Fatal(err)
	}
	return r.Read(f.Space())
}

func TestRead(t *testing.T) {
	f := newFake(t)
	const kernelText = 0xffffffff81000200
	f.timer(0, 0, 0, 1, kernelText, 1250)
	first := f.timer(1, 0, 0, 1, moduleText+0x20, 1250)
	f.timer(2, 0, 0, 1, kernelText, 1250)
	late := f.timer(3, 1, 1, 3, moduleText+0x40, 950)
	work := f.timer(4, 1, 0, 2, 0xffffffff81000100, 1001)
	f.Put(work-fake.PageOffset-32+24, moduleText+0x60)
	kernels := f.timer(5, 1, 0, 2, 0xffffffff81000100, 1001)
	f.Put(kernels-fake.PageOffset-32+24, kernelText)
	// Of a timer in the memory of a module that is gone the rest of its slot is not known either.
	f.Put(fakeArea+0x200+64+16, moduleText+0x2000)

	got, err := f.read(t)
	want := []Timer{
		{Func: moduleText + 0x20, At: first, In: time.Second},
		{At: moduleText + 0x2000},
		{Func: moduleText + 0x60, At: work, In: 4 * time.Millisecond, Work: true},
		{Func: moduleText + 0x40, At: late, In: -200 * time.Millisecond},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, timers (-want +got):\n%s", err, diff)
	}
}

func TestReadHighResolution(t *testing.T) {
	f := newFake(t)
	// The second clock's tree on the second processor: a root of the kernel's own, with the module's below it.
	put := func(n int, fn, left, right uint64) uint64 {
		at := uint64(fakeTimer + 0x100*n)
		f.Put(at+8, right)
		f.Put(at+16, left)
		f.Put(at+40, fn)
		return fake.PageOffset + at
	}
	const kernelText = 0xffffffff81000200
	deep := put(1, moduleText+0x20, 0, moduleText+0x3000)
	left := put(2, kernelText, 0, deep)
	root := put(3, kernelText, left, put(4, kernelText, 0, 0))
	tree := uint64(fakeArea + 0x1000 + 0x280 + 64 + 32 + 8)
	f.Put(tree, root)
	got, err := f.read(t)
	want := []Timer{{Func: moduleText + 0x20, At: deep}, {At: moduleText + 0x3000}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, timers (-want +got):\n%s", err, diff)
	}
	f.Put(deep-fake.PageOffset+8, root)
	if _, err := f.read(t); !errors.Is(err, ErrWheel) {
		t.Errorf("%v for a tree that is a circle, want %v", err, ErrWheel)
	}
}

func TestReadWithoutTimers(t *testing.T) {
	if got, err := newFake(t).read(t); err != nil || len(got) != 0 {
		t.Errorf("%v, %v, want nothing", got, err)
	}
}

func TestReadNonsense(t *testing.T) {
	f := newFake(t)
	at := f.timer(0, 0, 0, 0, moduleText, 1)
	f.Put(at-fake.PageOffset, at)
	if _, err := f.read(t); !errors.Is(err, ErrWheel) {
		t.Errorf("%v for a slot that is a circle, want %v", err, ErrWheel)
	}
	f = newFake(t)
	f.Put(fakeArea+0x200+16, 0xffffc90000000000)
	if _, err := f.read(t); !errors.Is(err, introspect.ErrUnmapped) {
		t.Errorf("%v for a timer that is nowhere, want %v", err, introspect.ErrUnmapped)
	}
}

func TestNewNeedsLayouts(t *testing.T) {
	f := newFake(t)
	delete(f.kernel.Layout.Structs, "timer_base")
	if _, err := New(f.kernel, map[string]string{"CONFIG_HZ": "250"}); !errors.Is(err, introspect.ErrNoField) {
		t.Errorf("%v, want %v", err, introspect.ErrNoField)
	}
	if _, err := New(newFake(t).kernel, nil); err == nil {
		t.Error("no error without CONFIG_HZ")
	}
}
