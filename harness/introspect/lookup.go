package introspect

import (
	"errors"
	"fmt"
	"strconv"
)

// Lookup looks up what a reader needs of a kernel, one after the other, and remembers what was not there.
type Lookup struct {
	kernel *Kernel
	errs   []error
}

// Lookup returns one for the kernel.
func (k *Kernel) Lookup() *Lookup { return &Lookup{kernel: k} }

// Struct is [Layout.Struct].
func (l *Lookup) Struct(name string, members ...string) Struct {
	s, err := l.kernel.Layout.Struct(name, members...)
	l.errs = append(l.errs, err)
	return s
}

// Offset returns where in a structure a member is.
func (l *Lookup) Offset(name, member string) uint64 {
	return uint64(l.Struct(name, member).Fields[member].Offset)
}

// Address is [Symbols.Address].
func (l *Lookup) Address(name string) uint64 {
	a, err := l.kernel.Symbols.Address(name)
	l.errs = append(l.errs, err)
	return a
}

// Err returns what was not there: it wraps [ErrNoField] or [ErrNoSymbol].
func (l *Lookup) Err() error { return errors.Join(l.errs...) }

// HZ returns how many jiffies there are to a second on a kernel with this configuration: "CONFIG_HZ" → "250".
func HZ(config map[string]string) (uint64, error) {
	hz, err := strconv.ParseUint(config["CONFIG_HZ"], 0, 32)
	if err != nil || hz == 0 {
		return 0, fmt.Errorf("CONFIG_HZ is %q", config["CONFIG_HZ"])
	}
	return hz, nil
}
