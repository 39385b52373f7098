package slab

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ktcp/guest/cause"
	"ktcp/guest/wire"
	"ktcp/harness/introspect"
	"ktcp/harness/introspect/fake"
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
	fakeOwners    = 0x400000 // the struct page_ext, 40 bytes for each page of a section
	fakeRAM       = 8 << 20

	moduleText = 0xffffffffc0400000
)

const fakeSymbols = `ffffffff81000000 T _stext
ffffffff81000100 T kmalloc
ffffffff81000200 T vfs_write
ffffffff81000300 T do_softirq
ffffffff81000400 T __alloc_pages
ffffffff81000500 t __kmalloc_large_node_noprof.isra.0
ffffffff81000600 t allocate_slab
ffffffff81000700 T other
ffffffff81100000 D vmemmap_base
ffffffff81100010 D page_offset_base
ffffffff81100020 D slab_caches
ffffffff81100030 D jiffies
ffffffff81100040 D tick_next_period
ffffffff81100050 D modules
ffffffff81100060 D stack_slabs
ffffffff81102010 B mem_section
ffffffff81102020 D page_ext_size
ffffffff81102030 D page_owner_ops
ffffffff81102040 B page_owner_inited
ffffffff81102060 B _end
`

// fakeKernel is that kernel, with what a test has put into it.
type fakeKernel struct {
	fake.Memory
	kernel *introspect.Kernel
	next   uint64 // where the depot goes on
}

// newFake returns the kernel, with one cache of one slab of eight objects, all of which are allocated, by nobody.
func newFake(t *testing.T) *fakeKernel {
	t.Helper()
	f := &fakeKernel{Memory: fake.New(fakeRAM), next: 0x10}
	f.kernel = fake.Kernel(t, fakeSymbols, map[string]introspect.Struct{
		"kmem_cache": {Size: 80, Fields: map[string]introspect.Field{
			"name": fake.Field(0, 8), "flags": fake.Field(8, 8), "size": fake.Field(16, 4), "object_size": fake.Field(20, 4), "inuse": fake.Field(24, 4),
			"offset": fake.Field(28, 4), "list": fake.Field(32, 16), "node": fake.Field(48, 8),
		}},
		"kmem_cache_node": {Size: 40, Fields: map[string]introspect.Field{"partial": fake.Field(8, 16), "full": fake.Field(24, 16)}},
		"slab": {Size: 64, Fields: map[string]introspect.Field{
			"slab_list": fake.Field(8, 16), "freelist": fake.Field(24, 8), "objects": {Offset: 34, Size: 4, Bits: 15},
		}},
		"page":                {Size: 64, Fields: map[string]introspect.Field{"flags": fake.Field(0, 8)}},
		"track":               {Size: 32, Fields: map[string]introspect.Field{"addr": fake.Field(0, 8), "handle": fake.Field(8, 4), "when": fake.Field(24, 8)}},
		"stack_record":        depots[0].record,
		"handle_parts":        depots[0].parts,
		"mem_section":         {Size: 32, Fields: map[string]introspect.Field{"section_mem_map": fake.Field(0, 8), "page_ext": fake.Field(16, 8)}},
		"page_ext":            {Size: 8, Fields: map[string]introspect.Field{"flags": fake.Field(0, 8)}},
		"page_ext_operations": {Size: 40, Fields: map[string]introspect.Field{"offset": fake.Field(0, 8), "need": fake.Field(16, 8)}},
		"module":              {Size: 64, Fields: map[string]introspect.Field{"list": fake.Field(0, 16), "name": fake.Field(16, 16)}},
	})
	list := func(head uint64, nodes ...uint64) {
		for _, n := range append(nodes, head) {
			f.Put(head, pageOffset+n)
			head = n
		}
	}
	f.Put(fakeVariables, pageOffset+fakeMemmap) // vmemmap_base
	f.Put(fakeVariables+0x10, pageOffset)
	// A list begins in the kernel's own mapping, and is entered there.
	f.Put(fakeVariables+0x20, pageOffset+fakeCache+32)
	f.Put(fakeCache+32, 0xffffffff81100020)
	f.Put(fakeVariables+0x30, 1000) // jiffies, 250 a second
	f.Put(fakeVariables+0x40, uint64(8*time.Second+4*time.Millisecond))
	f.Put(fakeVariables+0x50, 0xffffffff81100050) // no modules
	f.Put(fakeVariables+0x60, pageOffset+fakeDepot)
	f.Put(fakeCache, pageOffset+fakeName)
	f.Put(fakeCache+8, storeUser)
	f.Put(fakeCache+16, 128|100<<32) // size, object_size
	f.Put(fakeCache+24, 56|16<<32)   // inuse, offset: within the object
	f.Put(fakeCache+48, pageOffset+fakeNode)
	copy(f.Memory[fakeName:], "kmalloc-100")
	page := uint64(fakeMemmap + fakeSlab>>12*64)
	list(fakeNode+8, page+8)
	list(fakeNode + 24)
	f.Put(page+32, 8<<16)
	return f
}

// stack puts a stack into the depot.
func (f *fakeKernel) stack(addrs ...uint64) (handle uint32) {
	at := fakeDepot + f.next
	handle = uint32(f.next >> depotAlign << 21)
	f.Put(at+8, uint64(len(addrs))<<32)
	f.Put(at+16, uint64(handle))
	for i, a := range addrs {
		f.Put(at+24+8*uint64(i), a)
	}
	f.next += 24 + 8*uint64(len(addrs)) + 15
	f.next &^= 15
	return handle
}

// allocate has an object of the slab come from a stack, at some time.
func (f *fakeKernel) allocate(object int, handle uint32, when uint64) {
	at := uint64(fakeSlab + 128*object + 56)
	f.Put(at, 0xffffffff81000123)
	f.Put(at+8, uint64(handle))
	f.Put(at+24, when)
}

func (f *fakeKernel) read(m cause.Module, config map[string]string) ([]wire.Site, int, error) {
	r, err := New(f.kernel, config)
	if err != nil {
		return nil, 0, err
	}
	return r.Read(f.Space(), m)
}

var (
	stock = map[string]string{"CONFIG_HZ": "250"}
	kweb  = cause.Module{Name: "kweb", Text: []wire.Range{{Start: moduleText, End: moduleText + 0x1000}}, Since: 6 * time.Second}
)

func TestReadWalksToTheModulesObjects(t *testing.T) {
	f := newFake(t)
	leak := f.stack(0xffffffff81000123, moduleText+0x40, 0xffffffff81000210)
	f.allocate(0, leak, 750) // a second ago
	f.allocate(3, leak, 990)
	f.allocate(4, f.stack(0xffffffff81000123, 0xffffffff81000210), 990)                  // the kernel's own
	f.allocate(5, f.stack(0xffffffff81000123, 0xffffffff81000310, moduleText+0x40), 990) // an interrupt's
	f.allocate(6, f.stack(0xffffffff81000123, moduleText+0x80), 200)                     // older than the module
	f.allocate(7, leak, 990)                                                             // but it is free
	f.Put(fakeMemmap+fakeSlab>>12*64+24, pageOffset+fakeSlab+7*128)
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
	f.Put(fakeCache+8, 0)
	if got, caches, err := f.read(kweb, stock); err != nil || caches != 0 || got != nil {
		t.Errorf("of a kernel that keeps no tracks: %v, %d caches, %v", got, caches, err)
	}
}

func TestQuarantineIsNotAlive(t *testing.T) {
	f := newFake(t)
	leak := f.stack(0xffffffff81000123, moduleText+0x40)
	f.allocate(0, leak, 990)
	f.allocate(1, leak, 990)
	for i := range 8 * 128 / 8 { // all may be touched, but for the second object, which was freed, and what is between objects
		f.Memory[fakeShadow+fakeSlab>>3+i] = 0
	}
	f.Memory[fakeShadow+fakeSlab>>3+128/8] = 0xfb
	f.Memory[fakeShadow+fakeSlab>>3+13] = 0xfc
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
	got, _, err = r.AsPrinted().Read(f.Space(), kweb)
	if err != nil || len(got) != 1 || got[0].Count != 2 {
		t.Errorf("%v, sites %+v, want both objects", err, got)
	}
}

func TestBrokenBooksAreNoEmptyLedger(t *testing.T) {
	for name, spoil := range map[string]func(f *fakeKernel){
		"a stack that is not there":     func(f *fakeKernel) { f.allocate(0, 500<<21, 990) },
		"a slab without objects":        func(f *fakeKernel) { f.Put(fakeMemmap+fakeSlab>>12*64+32, 0) },
		"a list of free objects astray": func(f *fakeKernel) { f.Put(fakeMemmap+fakeSlab>>12*64+24, pageOffset+fakeSlab+1) },
		"objects too small for tracks":  func(f *fakeKernel) { f.Put(fakeCache+16, 64|64<<32) },
	} {
		f := newFake(t)
		spoil(f)
		if got, caches, err := f.read(kweb, stock); !errors.Is(err, ErrBooks) {
			t.Errorf("%s: %v, %d caches, %v, want %v", name, got, caches, err, ErrBooks)
		}
	}
	f := newFake(t)
	f.Put(fakeCache+32, pageOffset+fakeRAM) // a list that leads out of the memory
	if _, _, err := f.read(kweb, stock); err == nil {
		t.Error("no error for a list that leads out of the memory")
	}
}

func TestKernelsThatAreNotUnderstood(t *testing.T) {
	f := newFake(t)
	delete(f.kernel.Layout.Structs["track"].Fields, "when")
	if _, err := New(f.kernel, stock); !errors.Is(err, introspect.ErrNoField) {
		t.Errorf("tracks without a time: %v, want %v", err, introspect.ErrNoField)
	}
	if _, err := New(newFake(t).kernel, nil); err == nil {
		t.Error("no error for a kernel without CONFIG_HZ")
	}
}
