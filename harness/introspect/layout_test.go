package introspect

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
)

// source has in small what makes the kernel's structures hard to read: bit fields, anonymous members, arrays without an end, and another
// structure of the same name.
const source = `
struct list_head { struct list_head *next, *prev; };
union handle_parts {
	unsigned handle;
	struct { unsigned pool_index : 17; unsigned offset : 10; unsigned extra : 5; };
};
struct stack_record { struct list_head hash_list; unsigned hash, size; union handle_parts handle; unsigned long entries[]; };
struct slab {
	unsigned long flags;
	union {
		const struct { struct list_head slab_list; void *freelist; union { unsigned long counters; struct { unsigned inuse:16, objects:15, frozen:1; }; }; };
		long rcu;
	};
};
enum bits { _SLAB_POISON, _SLAB_STORE_USER = 7 };
enum bits flags;
void f(void) { struct track { int nothing; } t = { 0 }; (void)t; }
`

var wantLayout = &Layout{
	Structs: map[string]Struct{
		"list_head": {Size: 16, Fields: map[string]Field{"next": {Offset: 0, Size: 8}, "prev": {Offset: 8, Size: 8}}},
		"handle_parts": {Size: 4, Fields: map[string]Field{
			"handle": {Size: 4}, "pool_index": {Size: 4, Bits: 17},
			"offset": {Offset: 2, Size: 4, Shift: 1, Bits: 10}, "extra": {Offset: 3, Size: 4, Shift: 3, Bits: 5},
		}},
		"stack_record": {Size: 32, Fields: map[string]Field{
			"hash_list": {Size: 16}, "hash": {Offset: 16, Size: 4}, "size": {Offset: 20, Size: 4}, "handle": {Offset: 24, Size: 4},
			"entries": {Offset: 32},
		}},
		"slab": {Size: 40, Fields: map[string]Field{
			"flags": {Size: 8}, "rcu": {Offset: 8, Size: 8}, "slab_list": {Offset: 8, Size: 16}, "freelist": {Offset: 24, Size: 8},
			"counters": {Offset: 32, Size: 8}, "inuse": {Offset: 32, Size: 4, Bits: 16},
			"objects": {Offset: 34, Size: 4, Bits: 15}, "frozen": {Offset: 35, Size: 4, Shift: 7, Bits: 1},
		}},
	},
	Values: map[string]int64{"_SLAB_STORE_USER": 7},
}

func TestLayoutOfDWARF(t *testing.T) {
	for _, version := range []string{"-gdwarf-4", "-gdwarf-5"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "x.c"), []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "gcc", "-c", version, "-fno-eliminate-unused-debug-types", "x.c")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("compile: %v\n%s", err, out)
		}
		got, err := layoutOfObject(filepath.Join(dir, "x.o"))
		if diff := cmp.Diff(wantLayout, got); err != nil || diff != "" {
			t.Errorf("%s: %v, layout (-want +got):\n%s", version, err, diff)
		}
	}
}

func TestLayoutOfBTF(t *testing.T) {
	u32, u64 := &btf.Int{Name: "unsigned int", Size: 4}, &btf.Int{Name: "unsigned long", Size: 8}
	at := func(name string, bytes btf.Bits, typ btf.Type) btf.Member {
		return btf.Member{Name: name, Offset: 8 * bytes, Type: typ}
	}
	bits := func(name string, offset, size btf.Bits) btf.Member {
		return btf.Member{Name: name, Offset: offset, BitfieldSize: size, Type: u32}
	}
	list := &btf.Struct{Name: "list_head", Size: 16}
	next := &btf.Pointer{Target: list}
	list.Members = []btf.Member{at("next", 0, next), at("prev", 8, next)}
	parts := &btf.Union{Name: "handle_parts", Size: 4, Members: []btf.Member{
		at("handle", 0, u32),
		at("", 0, &btf.Struct{Size: 4, Members: []btf.Member{bits("pool_index", 0, 17), bits("offset", 17, 10), bits("extra", 27, 5)}}),
	}}
	record := &btf.Struct{Name: "stack_record", Size: 32, Members: []btf.Member{
		at("hash_list", 0, list), at("hash", 16, u32), at("size", 20, u32), at("handle", 24, parts),
		at("entries", 32, &btf.Array{Index: u32, Type: u64}),
	}}
	counters := &btf.Union{Size: 8, Members: []btf.Member{
		at("counters", 0, u64),
		at("", 0, &btf.Struct{Size: 4, Members: []btf.Member{bits("inuse", 0, 16), bits("objects", 16, 15), bits("frozen", 31, 1)}}),
	}}
	slab := &btf.Struct{Name: "slab", Size: 40, Members: []btf.Member{
		at("flags", 0, u64),
		at("", 8, &btf.Union{Size: 32, Members: []btf.Member{
			at("", 0, &btf.Const{Type: &btf.Struct{Size: 32, Members: []btf.Member{
				at("slab_list", 0, list), at("freelist", 16, &btf.Pointer{Target: &btf.Void{}}), at("", 24, counters),
			}}}),
			at("rcu", 0, u64),
		}}),
	}}
	other := &btf.Struct{Name: "track", Size: 4, Members: []btf.Member{at("nothing", 0, u32)}}
	flags := &btf.Enum{Name: "bits", Size: 4, Values: []btf.EnumValue{{Name: "_SLAB_POISON"}, {Name: "_SLAB_STORE_USER", Value: 7}}}
	builder, err := btf.NewBuilder([]btf.Type{record, slab, other, flags}, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := builder.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := layoutOfBTF(raw)
	if diff := cmp.Diff(wantLayout, got); err != nil || diff != "" {
		t.Errorf("%v, layout (-want +got):\n%s", err, diff)
	}
	if _, err := layoutOfBTF(raw[:len(raw)/2]); err == nil {
		t.Error("no error for BTF that is cut off")
	}
}

func TestFieldsAreRead(t *testing.T) {
	slab := wantLayout.Structs["slab"]
	b := make([]byte, slab.Size)
	b[24], b[31] = 0x10, 0xff                         // freelist
	b[32], b[33], b[34], b[35] = 0x34, 0x12, 21, 0x80 // 0x1234 in use, 21 objects, frozen
	for member, want := range map[string]uint64{
		"freelist": 0xff00000000000010, "inuse": 0x1234, "objects": 21, "frozen": 1, "flags": 0, "absent": 0,
	} {
		if got := slab.Of(b, member); got != want {
			t.Errorf("%s = %#x, want %#x", member, got, want)
		}
	}
	if got := slab.Of(b[:30], "counters"); got != 0 {
		t.Errorf("a member beyond what was read is %#x, want 0", got)
	}
	if _, err := wantLayout.Struct("slab", "objects", "slab_cache"); !errors.Is(err, ErrNoField) {
		t.Errorf("slab_cache: %v, want %v", err, ErrNoField)
	}
	if _, err := wantLayout.Struct("track"); !errors.Is(err, ErrNoField) {
		t.Errorf("track, of which there is only another of that name: %v, want %v", err, ErrNoField)
	}
}
