package introspect

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/cilium/ebpf/btf"
)

// layoutOfBTF returns the wanted structures from a kernel's BTF.
func layoutOfBTF(raw []byte) (*Layout, error) {
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("read BTF: %w", err)
	}
	l := newLayout()
	for name, members := range wanted {
		types, err := spec.AnyTypesByName(name)
		if err != nil {
			continue // whoever needs it will miss it
		}
		for _, t := range types {
			found, ok, err := structOfBTF(t)
			if err != nil {
				return nil, fmt.Errorf("read BTF of struct %s: %w", name, err)
			}
			if ok && found.fits(members) {
				l.Structs[name] = found
				break
			}
		}
	}
	for t, err := range spec.All() {
		if err != nil {
			return nil, fmt.Errorf("read BTF: %w", err)
		}
		if e, ok := t.(*btf.Enum); ok {
			for _, v := range e.Values {
				if slices.Contains(wantedValues, v.Name) {
					l.Values[v.Name] = int64(v.Value)
				}
			}
		}
	}
	return l, nil
}

// structOfBTF returns a structure or union; false for anything else.
func structOfBTF(t btf.Type) (Struct, bool, error) {
	s := Struct{Fields: map[string]Field{}}
	var members []btf.Member
	switch t := t.(type) {
	case *btf.Struct:
		s.Size, members = int(t.Size), t.Members
	case *btf.Union:
		s.Size, members = int(t.Size), t.Members
	default:
		return s, false, nil
	}
	return s, true, flattenBTF(s.Fields, members, 0)
}

// flattenBTF adds members that begin at a bit of the whole.
func flattenBTF(fields map[string]Field, members []btf.Member, from int) error {
	for _, m := range members {
		at := from + int(m.Offset)
		if m.Name == "" {
			var err error
			switch t := btf.UnderlyingType(m.Type).(type) {
			case *btf.Struct:
				err = flattenBTF(fields, t.Members, at)
			case *btf.Union:
				err = flattenBTF(fields, t.Members, at)
			}
			if err != nil {
				return err
			}
			continue
		}
		size, err := btf.Sizeof(m.Type)
		if err != nil {
			return err
		}
		f := Field{Offset: at / 8, Size: size}
		if m.BitfieldSize > 0 {
			f.Shift, f.Bits = at%8, int(m.BitfieldSize)
		}
		fields[m.Name] = f
	}
	return nil
}
