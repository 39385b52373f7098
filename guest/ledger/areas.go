package ledger

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"ktcp/guest/cause"
	"ktcp/guest/wire"
)

// areaCache is what stands in the place of a cache's name for vmalloc.
const areaCache = "vmalloc"

// pageSize is that of the only architecture there is.
const pageSize = 4096

// areas returns what the module may have from vmalloc and its like: see [cause.Module.Areas].
func (l *Ledger) areas(m cause.Module) ([]wire.Site, error) {
	text, err := os.ReadFile(l.vmalloc)
	if err != nil {
		return nil, fmt.Errorf("list vmalloc areas: %w", err)
	}
	all, err := parseAreas(string(text))
	if err != nil {
		return nil, err
	}
	var sites []wire.Site
	at := map[string]int{}
	for _, a := range all {
		if !m.MayOwn(a.caller) {
			continue
		}
		key := fmt.Sprint(a)
		if i, seen := at[key]; seen {
			sites[i].Count++
			continue
		}
		at[key] = len(sites)
		sites = append(sites, wire.Site{Cache: areaCache, Count: 1, Size: a.size, Stack: []wire.StackFrame{a.caller}})
	}
	return sites, nil
}

// area is one line of /proc/vmallocinfo.
type area struct {
	size   int
	caller wire.StackFrame
}

// parseAreas reads /proc/vmallocinfo. Areas of which no caller is known are left out: they are the kernel's.
//
//	0xffffc90000024000-0xffffc90000028000   16384 canary_leak_vmalloc+0x17/0x30 [canary] pages=3 vmalloc
//	0xffffc90000030000-0xffffc90000032000    8192 0xffffffffc0403040 pages=1 vmalloc
func parseAreas(text string) ([]area, error) {
	var all []area
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			return nil, fmt.Errorf("%w: %q", ErrFormat, line)
		}
		size, err := strconv.Atoi(fields[1])
		if err != nil {
			return nil, fmt.Errorf("%w: size in %q", ErrFormat, line)
		}
		if len(fields) == 2 || strings.Contains(fields[2], "=") || !strings.Contains(fields[2], "0x") {
			continue
		}
		place := fields[2]
		if len(fields) > 3 && strings.HasPrefix(fields[3], "[") {
			place += " " + fields[3]
		}
		a := area{size: size, caller: parseFrame(place)}
		for _, f := range fields[3:] {
			// The area itself is a page larger: a guard.
			if n, ok := strings.CutPrefix(f, "pages="); ok {
				if pages, err := strconv.Atoi(n); err == nil {
					a.size = pages * pageSize
				}
			}
		}
		all = append(all, a)
	}
	return all, nil
}
