package introspect

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Layout is how a kernel lays out some of its structures.
type Layout struct {
	Structs map[string]Struct `json:"structs"`
	// Values are those of enumerators.
	Values map[string]int64 `json:"values,omitempty"`
}

// Struct is a structure or union. Members of anonymous ones inside it count as its own.
type Struct struct {
	Size   int              `json:"size"` // bytes
	Fields map[string]Field `json:"fields"`
}

// Field is a member.
type Field struct {
	Offset int `json:"offset"` // bytes
	Size   int `json:"size"`   // bytes; 0 for an array without an end
	// A bit field is Bits long and begins Shift bits after Offset.
	Shift int `json:"shift,omitempty"`
	Bits  int `json:"bits,omitempty"`
}

// Struct returns a structure, all of whose members that are named it must have. The error wraps [ErrNoField].
func (l *Layout) Struct(name string, members ...string) (Struct, error) {
	s, ok := l.Structs[name]
	if !ok {
		return Struct{}, fmt.Errorf("%w: struct %s", ErrNoField, name)
	}
	for _, m := range members {
		if _, ok := s.Fields[m]; !ok {
			return Struct{}, fmt.Errorf("%w: %s of struct %s", ErrNoField, m, name)
		}
	}
	return s, nil
}

// Has reports whether there is a member.
func (s Struct) Has(member string) bool { _, ok := s.Fields[member]; return ok }

// Of returns the number in a member of a structure whose bytes are b; 0 where it has no such member, or b does not reach to it.
func (s Struct) Of(b []byte, member string) uint64 {
	f, ok := s.Fields[member]
	if !ok || f.Offset >= len(b) {
		return 0
	}
	var raw [8]byte
	copy(raw[:], b[f.Offset:])
	n := binary.LittleEndian.Uint64(raw[:])
	bits := f.Bits
	if bits == 0 {
		bits = 8 * f.Size
	}
	n >>= f.Shift
	if bits < 64 {
		n &= 1<<bits - 1
	}
	return n
}

// wanted are the structures that are learned, each with members by which it is told from others of the same name.
var wanted = map[string][]string{
	"list_head":           {"next", "prev"},
	"page":                {"flags"},
	"kmem_cache":          {"name", "size", "object_size", "inuse", "offset", "list", "node", "flags"},
	"kmem_cache_node":     {"partial"},
	"slab":                {"slab_list", "freelist"},
	"track":               {"addr", "cpu", "pid", "when"},
	"stack_record":        {"hash", "size", "handle", "entries"},
	"handle_parts":        {"handle", "offset"},
	"timer_base":          {"vectors", "clk"},
	"timer_list":          {"entry", "expires", "function"},
	"delayed_work":        {"work", "timer"},
	"work_struct":         {"func", "entry"},
	"hrtimer_cpu_base":    {"clock_base"},
	"hrtimer_clock_base":  {"active"},
	"timerqueue_head":     {"rb_root"},
	"rb_root_cached":      {"rb_root"},
	"hrtimer":             {"node", "function"},
	"timerqueue_node":     {"node", "expires"},
	"rb_node":             {"rb_left", "rb_right"},
	"mem_section":         {"section_mem_map", "page_ext"}, // of kernels that keep more of a page than struct page
	"page_ext":            {"flags"},
	"page_ext_operations": {"offset", "need"},
	"module":              {"list", "name", "kallsyms"},
	"mod_kallsyms":        {"symtab", "num_symtab", "strtab"},
	"module_layout":       {"base", "size"}, // until 6.3
	"module_memory":       {"base", "size"}, // from 6.4 on
}

// wantedValues are the enumerators that are learned, where there are any.
var wantedValues = []string{"_SLAB_STORE_USER", "TRACK_ALLOC", "PAGE_EXT_OWNER_ALLOCATED"}

// fits reports whether a structure can be the one that is wanted.
func (s Struct) fits(members []string) bool {
	return !slices.ContainsFunc(members, func(m string) bool { return !s.Has(m) })
}

// add takes over what another layout has and this one lacks.
func (l *Layout) add(more *Layout) {
	for name, s := range more.Structs {
		if _, ok := l.Structs[name]; !ok {
			l.Structs[name] = s
		}
	}
	for name, v := range more.Values {
		if _, ok := l.Values[name]; !ok {
			l.Values[name] = v
		}
	}
}

func newLayout() *Layout { return &Layout{Structs: map[string]Struct{}, Values: map[string]int64{}} }
