package slab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ktcp/guest/cause"
	"ktcp/guest/wire"
	"ktcp/harness/introspect"
)

// A made-up kernel: where its things are in physical memory, all of which is mapped at pageOffset.
const (
	fakeVariables = 0x100000 // each in 16 bytes of its own
	fakeDepot     = 0x110000
	fakeCache     = 0x120000
	fakeNode      = 0x121000
	fakeName      = 0x122000
	fakeMemmap    = 0x130000 // the struct pages, 64 bytes for each page
	fakeSlab      = 0x200000
	fakeShadow    = 0x300000 // of KASAN
	fakeRAM       = 4 << 20

	moduleText = 0xffffffffc0400000
)

const fakeSymbols = `ffffffff81000000 T _stext
ffffffff81000100 T kmalloc
ffffffff81000200 T vfs_write
ffffffff81000300 T do_softirq
ffffffff81100000 D vmemmap_base
ffffffff81100010 D page_offset_base
ffffffff81100020 D slab_caches
ffffffff81100030 D jiffies
ffffffff81100040 D tick_next_period
ffffffff81100050 D modules
ffffffff81100060 D stack_slabs
ffffffff81102060 B _end
`

// fakeKernel is that kernel, with what a test has put into it.
type fakeKernel struct {
	ram    []byte
	kernel *introspect.Kernel
	next   uint64 // where the depot goes on
}

// ReadAt implements io.ReaderAt.
func (f *fakeKernel) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 || off+int64(len(b)) > int64(len(f.ram)) {
		return 0, fmt.Errorf("no memory at %#x", off)
	}
	return copy(b, f.ram[off:]), nil
}

func (f *fakeKernel) put(at, value uint64) { binary.LittleEndian.PutUint64(f.ram[at:], value) }

func field(offset, size int) introspect.Field { return introspect.Field{Offset: offset, Size: size} }

// fake returns the kernel, with one cache of one slab of eight objects, all of which are allocated, by nobody.
func fake(t *testing.T) *fakeKernel {
	t.Helper()
	symbols, err := introspect.ParseSymbols([]byte(fakeSymbols))
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeKernel{ram: make([]byte, fakeRAM), next: 0x10}
	f.kernel = &introspect.Kernel{Symbols: symbols, Layout: &introspect.Layout{Structs: map[string]introspect.Struct{
		"kmem_cache": {Size: 80, Fields: map[string]introspect.Field{
			"name": field(0, 8), "flags": field(8, 8), "size": field(16, 4), "object_size": field(20, 4), "inuse": field(24, 4),
			"offset": field(28, 4), "list": field(32, 16), "node": field(48, 8),
		}},
		"kmem_cache_node": {Size: 40, Fields: map[string]introspect.Field{"partial": field(8, 16), "full": field(24, 16)}},
		"slab": {Size: 64, Fields: map[string]introspect.Field{
			"slab_list": field(8, 16), "freelist": field(24, 8), "objects": {Offset: 34, Size: 4, Bits: 15},
		}},
		"page":         {Size: 64, Fields: map[string]introspect.Field{"flags": field(0, 8)}},
		"track":        {Size: 32, Fields: map[string]introspect.Field{"addr": field(0, 8), "handle": field(8, 4), "when": field(24, 8)}},
		"stack_record": depots[0].record,
		"handle_parts": depots[0].parts,
		"module":       {Size: 64, Fields: map[string]introspect.Field{"list": field(0, 16), "name": field(16, 16)}},
	}}}
	// Page tables: one page of 1 GiB for the memory, one of 2 MiB for the kernel's variables.
	f.put(0x1000+8*(pageOffset>>39&511), 0x2000|1)
	f.put(0x2000, 0x80|1)
	f.put(0x1000+8*511, 0x3000|1)
	f.put(0x3000+8*510, 0x4000|1)
	f.put(0x4000+8*8, 0x80|1)
	list := func(head uint64, nodes ...uint64) {
		for _, n := range append(nodes, head) {
			f.put(head, pageOffset+n)
			head = n
		}
	}
	f.put(fakeVariables, pageOffset+fakeMemmap) // vmemmap_base
	f.put(fakeVariables+0x10, pageOffset)
	// A list begins in the kernel's own mapping, and is entered there.
	f.put(fakeVariables+0x20, pageOffset+fakeCache+32)
	f.put(fakeCache+32, 0xffffffff81100020)
	f.put(fakeVariables+0x30, 1000) // jiffies, 250 a second
	f.put(fakeVariables+0x40, uint64(8*time.Second+4*time.Millisecond))
	f.put(fakeVariables+0x50, 0xffffffff81100050) // no modules
	f.put(fakeVariables+0x60, pageOffset+fakeDepot)
	f.put(fakeCache, pageOffset+fakeName)
	f.put(fakeCache+8, storeUser)
	f.put(fakeCache+16, 128|100<<32) // size, object_size
	f.put(fakeCache+24, 56|16<<32)   // inuse, offset: within the object
	f.put(fakeCache+48, pageOffset+fakeNode)
	copy(f.ram[fakeName:], "kmalloc-100")
	page := uint64(fakeMemmap + fakeSlab>>12*64)
	list(fakeNode+8, page+8)
	list(fakeNode + 24)
	f.put(page+32, 8<<16)
	return f
}

// stack puts a stack into the depot.
func (f *fakeKernel) stack(addrs ...uint64) (handle uint32) {
	at := fakeDepot + f.next
	handle = uint32(f.next >> depotAlign << 21)
	f.put(at+8, uint64(len(addrs))<<32)
	f.put(at+16, uint64(handle))
	for i, a := range addrs {
		f.put(at+24+8*uint64(i), a)
	}
	f.next += 24 + 8*uint64(len(addrs)) + 15
	f.next &^= 15
	return handle
}

// allocate has an object of the slab come from a stack, at some time.
func (f *fakeKernel) allocate(object int, handle uint32, when uint64) {
	at := uint64(fakeSlab + 128*object + 56)
	f.put(at, 0xffffffff81000123)
	f.put(at+8, uint64(handle))
	f.put(at+24, when)
}

func (f *fakeKernel) read(m cause.Module, config map[string]string) ([]wire.Site, int, error) {
	r, err := New(f.kernel, config)
	if err != nil {
		return nil, 0, err
	}
	return r.Read(introspect.NewSpace(f, 0x1000, 4), m)
}

var (
	stock = map[string]string{"CONFIG_HZ": "250"}
	kweb  = cause.Module{Name: "kweb", Text: []wire.Range{{Start: moduleText, End: moduleText + 0x1000}}, Since: 6 * time.Second}
)

func TestReadWalksToTheModulesObjects(t *testing.T) {
	f := fake(t)
	leak := f.stack(0xffffffff81000123, moduleText+0x40, 0xffffffff81000210)
	f.allocate(0, leak, 750) // a second ago
	f.allocate(3, leak, 990)
	f.allocate(4, f.stack(0xffffffff81000123, 0xffffffff81000210), 990)                  // the kernel's own
	f.allocate(5, f.stack(0xffffffff81000123, 0xffffffff81000310, moduleText+0x40), 990) // an interrupt's
	f.allocate(6, f.stack(0xffffffff81000123, moduleText+0x80), 200)                     // older than the module
	f.allocate(7, leak, 990)                                                             // but it is free
	f.put(fakeMemmap+fakeSlab>>12*64+24, pageOffset+fakeSlab+7*128)
	got, caches, err := f.read(kweb, stock)
	want := []wire.Site{{
		Cache: "kmalloc-100", Count: 2, Size: 100, AgeMin: 40 * time.Millisecond, AgeMax: time.Second,
		Stack: []wire.StackFrame{
			{Func: "kmalloc", Offset: 0x23, Size: 0x100}, {Addr: moduleText + 0x40}, {Func: "vfs_write", Offset: 0x10, Size: 0x100},
		},
	}}
	if diff := cmp.Diff(want, got); err != nil || caches != 1 || diff != "" {
		t.Errorf("%d caches, %v, sites (-want +got):\n%s", caches, err, diff)
	}
	f.put(fakeCache+8, 0)
	if got, caches, err := f.read(kweb, stock); err != nil || caches != 0 || got != nil {
		t.Errorf("of a kernel that keeps no tracks: %v, %d caches, %v", got, caches, err)
	}
}

func TestQuarantineIsNotAlive(t *testing.T) {
	f := fake(t)
	leak := f.stack(0xffffffff81000123, moduleText+0x40)
	f.allocate(0, leak, 990)
	f.allocate(1, leak, 990)
	for i := range 8 * 128 / 8 { // all may be touched, but for the second object, which was freed, and what is between objects
		f.ram[fakeShadow+fakeSlab>>3+i] = 0
	}
	f.ram[fakeShadow+fakeSlab>>3+128/8] = 0xfb
	f.ram[fakeShadow+fakeSlab>>3+13] = 0xfc
	shadow := uint64(pageOffset) + fakeShadow
	shadow -= pageOffset >> 3
	kasan := map[string]string{"CONFIG_HZ": "250", "CONFIG_KASAN_GENERIC": "y", "CONFIG_KASAN_SHADOW_OFFSET": fmt.Sprintf("%#x", shadow)}
	got, _, err := f.read(kweb, kasan)
	if err != nil || len(got) != 1 || got[0].Count != 1 {
		t.Errorf("%v, sites %+v, want one object", err, got)
	}
	r, err := New(f.kernel, kasan)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err = r.WithQuarantine().Read(introspect.NewSpace(f, 0x1000, 4), kweb)
	if err != nil || len(got) != 1 || got[0].Count != 2 {
		t.Errorf("%v, sites %+v, want both objects", err, got)
	}
}

func TestBrokenBooksAreNoEmptyLedger(t *testing.T) {
	for name, spoil := range map[string]func(f *fakeKernel){
		"a stack that is not there":     func(f *fakeKernel) { f.allocate(0, 500<<21, 990) },
		"a slab without objects":        func(f *fakeKernel) { f.put(fakeMemmap+fakeSlab>>12*64+32, 0) },
		"a list of free objects astray": func(f *fakeKernel) { f.put(fakeMemmap+fakeSlab>>12*64+24, pageOffset+fakeSlab+1) },
		"objects too small for tracks":  func(f *fakeKernel) { f.put(fakeCache+16, 64|64<<32) },
	} {
		f := fake(t)
		spoil(f)
		if got, caches, err := f.read(kweb, stock); !errors.Is(err, ErrBooks) {
			t.Errorf("%s: %v, %d caches, %v, want %v", name, got, caches, err, ErrBooks)
		}
	}
	f := fake(t)
	f.put(fakeCache+32, pageOffset+fakeRAM) // a list that leads out of the memory
	if _, _, err := f.read(kweb, stock); err == nil {
		t.Error("no error for a list that leads out of the memory")
	}
}

func TestKernelsThatAreNotUnderstood(t *testing.T) {
	f := fake(t)
	delete(f.kernel.Layout.Structs["track"].Fields, "when")
	if _, err := New(f.kernel, stock); !errors.Is(err, introspect.ErrNoField) {
		t.Errorf("tracks without a time: %v, want %v", err, introspect.ErrNoField)
	}
	if _, err := New(fake(t).kernel, nil); err == nil {
		t.Error("no error for a kernel without CONFIG_HZ")
	}
}
