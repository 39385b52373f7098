package kmod

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"ktcp/guest/wire"
)

// Modules lists the loaded modules and the kernel's taint.
func Modules(wire.None) (wire.ModulesAnswer, error) {
	modules, err := loaded()
	if err != nil {
		return wire.ModulesAnswer{}, err
	}
	text, err := os.ReadFile("/proc/sys/kernel/tainted")
	if err != nil {
		return wire.ModulesAnswer{}, fmt.Errorf("read taint: %w", err)
	}
	taint, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return wire.ModulesAnswer{}, fmt.Errorf("read taint: %w", err)
	}
	return wire.ModulesAnswer{Modules: modules, Taint: taint}, nil
}

func loaded() ([]wire.LoadedModule, error) {
	text, err := os.ReadFile("/proc/modules")
	if err != nil {
		return nil, fmt.Errorf("list modules: %w", err)
	}
	return parseModules(string(text))
}

// parseModules reads the format of /proc/modules: name, size, references, holders, state, address, taint in brackets.
func parseModules(text string) ([]wire.LoadedModule, error) {
	var all []wire.LoadedModule
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 5 {
			return nil, fmt.Errorf("list modules: cannot read %q", line)
		}
		size, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("list modules: size of %s: %w", f[0], err)
		}
		m := wire.LoadedModule{Name: f[0], Size: size, State: f[4], Holders: holders(f[3])}
		// "-" in a kernel that cannot unload modules.
		if m.Refcount, err = strconv.Atoi(f[2]); err != nil && f[2] != "-" {
			return nil, fmt.Errorf("list modules: references of %s: %w", f[0], err)
		}
		if last := f[len(f)-1]; strings.HasPrefix(last, "(") {
			m.Taint = strings.Trim(last, "()")
		}
		all = append(all, m)
	}
	return all, nil
}

// holders reads "a,b," and "-". The kernel adds "[permanent]" to a module that cannot be unloaded.
func holders(list string) []string {
	var names []string
	for name := range strings.SplitSeq(list, ",") {
		if name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}
