package introspect

import (
	"debug/dwarf"
	"debug/elf"
	"errors"
	"fmt"
	"slices"
)

// layoutOfObject returns the wanted structures from an object file with debug information.
func layoutOfObject(path string) (*Layout, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read DWARF: %w", err)
	}
	defer f.Close()
	data, err := f.DWARF()
	if err != nil {
		return nil, fmt.Errorf("read DWARF of %s: %w", path, err)
	}
	l := newLayout()
	r := data.Reader()
	for {
		unit, err := r.Next()
		if err != nil || unit == nil {
			return l, err
		}
		found, err := layoutOfUnit(data, r)
		if err != nil {
			return nil, fmt.Errorf("read DWARF of %s: %w", path, err)
		}
		l.add(found)
	}
}

// layoutOfUnit reads a unit's structures. r has just read the entry of the unit itself.
func layoutOfUnit(data *dwarf.Data, r *dwarf.Reader) (*Layout, error) {
	l := newLayout()
	for {
		e, err := r.Next()
		if err != nil {
			return nil, err
		}
		if e == nil || e.Tag == 0 {
			return l, nil // the end of the unit's children
		}
		switch e.Tag {
		case dwarf.TagEnumerationType:
			if err := enumerators(l, r, e); err != nil {
				return nil, err
			}
			continue
		case dwarf.TagStructType, dwarf.TagUnionType:
			name, _ := e.Val(dwarf.AttrName).(string)
			_, seen := l.Structs[name]
			if members, ok := wanted[name]; ok && !seen {
				t, err := data.Type(e.Offset)
				if err != nil {
					return nil, err
				}
				s, err := structOfDWARF(t)
				if err != nil {
					return nil, fmt.Errorf("struct %s: %w", name, err)
				}
				if s.fits(members) {
					l.Structs[name] = s
				}
			}
		}
		r.SkipChildren()
	}
}

// enumerators keeps the values that are wanted of an enumeration, and reads it to its end.
func enumerators(l *Layout, r *dwarf.Reader, e *dwarf.Entry) error {
	if !e.Children {
		return nil
	}
	for {
		v, err := r.Next()
		if err != nil {
			return err
		}
		if v == nil || v.Tag == 0 {
			return nil
		}
		name, _ := v.Val(dwarf.AttrName).(string)
		if value, ok := v.Val(dwarf.AttrConstValue).(int64); ok && slices.Contains(wantedValues, name) {
			l.Values[name] = value
		}
	}
}

func structOfDWARF(t dwarf.Type) (Struct, error) {
	st, ok := t.(*dwarf.StructType)
	if !ok || st.Incomplete {
		return Struct{}, nil
	}
	s := Struct{Size: int(st.ByteSize), Fields: map[string]Field{}}
	return s, flattenDWARF(s.Fields, st, 0)
}

// flattenDWARF adds the members of a structure that begins at a byte of the whole.
func flattenDWARF(fields map[string]Field, st *dwarf.StructType, from int) error {
	for _, m := range st.Field {
		at := from + int(m.ByteOffset)
		if m.Name == "" {
			if inner, ok := bare(m.Type).(*dwarf.StructType); ok {
				if err := flattenDWARF(fields, inner, at); err != nil {
					return err
				}
			}
			continue
		}
		f := Field{Offset: at, Size: int(max(m.Type.Size(), 0))}
		if m.BitSize > 0 {
			if m.BitOffset != 0 && m.DataBitOffset != 0 {
				return errors.New("bit field of two formats")
			}
			bit := int(m.DataBitOffset)
			if m.BitOffset != 0 || m.ByteSize != 0 { // DWARF 3: from the most significant bit of its storage
				bit = int(8*m.ByteOffset + 8*m.ByteSize - m.BitOffset - m.BitSize)
			}
			f.Offset, f.Shift, f.Bits = from+bit/8, bit%8, int(m.BitSize)
		}
		fields[m.Name] = f
	}
	return nil
}

// bare strips qualifiers and typedefs.
func bare(t dwarf.Type) dwarf.Type {
	for {
		switch q := t.(type) {
		case *dwarf.QualType:
			t = q.Type
		case *dwarf.TypedefType:
			t = q.Type
		default:
			return t
		}
	}
}
