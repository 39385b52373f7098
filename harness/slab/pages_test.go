package slab

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ktcp/guest/wire"
	"ktcp/harness/introspect"
)

// Where the made-up kernel has its sections, in the page of its variables' end, and how its pages' books are laid out.
const (
	fakeRoots    = 0x128000
	fakeSections = 0x129000
	fakeExt      = 40 // size of what is known of a page, its owner after the flags
	fakeSection  = 2  // the section that the memory is in
)

// withPages is newFake, of a kernel that keeps who owns pages. Only one of its sections has any.
func withPages(t *testing.T) *fakeKernel {
	t.Helper()
	f := newFake(t)
	f.kernel.Layout.Values = map[string]int64{"PAGE_EXT_OWNER_ALLOCATED": 1}
	f.Put(fakeVariables+0x2010, pageOffset+fakeRoots)
	f.Put(fakeVariables+0x2020, fakeExt)
	f.Put(fakeVariables+0x2030, 8)
	f.Put(fakeVariables+0x2040, 1)
	f.Put(fakeRoots, pageOffset+fakeSections)
	f.Put(fakeSections+fakeSection*32+16, pageOffset+fakeOwners-fakeSection*(1<<15)*fakeExt)
	f.Put(fakeSections+5*32+16, 0xdead0000+invalidExt)
	f.own(0, 1|2, 0, f.stack(0xffffffff81000410, 0xffffffff81000210), 0) // the kernel's own
	return f
}

// own has a page of the section belong to a stack.
func (f *fakeKernel) own(page int, flags, order uint64, handle uint32, at time.Duration) {
	b := uint64(fakeOwners + page*fakeExt)
	f.Put(b, flags)
	f.Put(b+8, order)
	f.Put(b+16, uint64(handle))
	f.Put(b+24, uint64(at))
}

func owned() map[string]string {
	return map[string]string{"CONFIG_HZ": "250", "CONFIG_PAGE_OWNER": "y", "CONFIG_SPARSEMEM_EXTREME": "y"}
}

func TestPagesThatTheModuleTook(t *testing.T) {
	f := withPages(t)
	const allocated = 1 | 2
	taken := f.stack(0xffffffff81000410, 0xffffffff81000510, moduleText+0x40, 0xffffffff81000210)
	for page := 8; page < 16; page++ { // two times four
		f.own(page, allocated, 2, taken, 7*time.Second)
	}
	f.own(20, 1, 0, taken, 7*time.Second)                                                                                        // given back
	f.own(21, allocated, 0, f.stack(0xffffffff81000410, 0xffffffff81000610, 0xffffffff81000110, moduleText+0x40), 7*time.Second) // a slab's
	f.own(22, allocated, 0, f.stack(0xffffffff81000410, moduleText+0x80), time.Second)                                           // older than the module
	f.own(23, allocated, 0, 0, 7*time.Second)                                                                                    // nobody knows whose
	got, _, err := f.read(kweb, owned())
	want := []wire.Site{{
		Cache: "pages", Count: 2, Size: 4 * 4096, AgeMin: time.Second, AgeMax: time.Second,
		Stack: []wire.StackFrame{
			{Func: "__alloc_pages", Offset: 0x10, Size: 0x100}, {Func: "__kmalloc_large_node_noprof.isra.0", Offset: 0x10, Size: 0x100},
			{Addr: moduleText + 0x40}, {Func: "vfs_write", Offset: 0x10, Size: 0x100},
		},
	}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, sites (-want +got):\n%s", err, diff)
	}
	f.Put(fakeVariables+0x2040, 0) // page_owner=off
	if got, _, err := f.read(kweb, owned()); err != nil || got != nil {
		t.Errorf("of a kernel that was not asked to keep who owns pages: %v, %v", got, err)
	}
	if got, _, err := f.read(kweb, stock); err != nil || got != nil {
		t.Errorf("of a kernel that cannot: %v, %v", got, err)
	}
}

func TestBrokenPageBooks(t *testing.T) {
	for name, spoil := range map[string]func(f *fakeKernel){
		"nobody owns any page":       func(f *fakeKernel) { f.own(0, 0, 0, 0, 0) },
		"an owner beyond its place":  func(f *fakeKernel) { f.Put(fakeVariables+0x2030, fakeExt-8) },
		"a place of impossible size": func(f *fakeKernel) { f.Put(fakeVariables+0x2020, 1<<40) },
		"pages of impossible order":  func(f *fakeKernel) { f.own(1, 2, 60, f.stack(moduleText), 0) },
		"a stack that is not there":  func(f *fakeKernel) { f.own(1, 2, 0, 500<<21, 0) },
	} {
		f := withPages(t)
		spoil(f)
		if got, _, err := f.read(kweb, owned()); !errors.Is(err, ErrBooks) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, ErrBooks)
		}
	}
	f := withPages(t)
	f.kernel.Layout.Values = nil
	f.allocate(0, f.stack(0xffffffff81000123, moduleText+0x40), 990)
	r, err := New(f.kernel, owned())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Pageless(); !errors.Is(err, introspect.ErrNoField) {
		t.Errorf("without the flag there are no pages because: %v, want %v", err, introspect.ErrNoField)
	}
	if got, _, err := r.Read(f.Space(), kweb); err != nil || len(got) != 1 {
		t.Errorf("without pages: %v, %v, want the object of the slab", got, err)
	}
	delete(f.kernel.Layout.Structs, "page_ext")
	if r, err = New(f.kernel, owned()); err != nil || !errors.Is(r.Pageless(), introspect.ErrNoField) {
		t.Errorf("without the structure: %v", err)
	}
	if r, err = New(f.kernel, stock); err != nil || r.Pageless() != nil {
		t.Errorf("of a kernel that keeps no owners: %v", err)
	}
}
