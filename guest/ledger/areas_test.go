package ledger

import (
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ktcp/guest/cause"
	"ktcp/guest/wire"
)

const areas = `0xffffc90000000000-0xffffc90000005000   20480 unpack_to_rootfs+0x1d/0x280 pages=4 vmalloc
0xffffc90000024000-0xffffc90000028000   16384 kweb_start+0x17/0x30 [kweb] pages=3 vmalloc
0xffffc90000028000-0xffffc9000002a000    8192 0xffffffffc0403040 pages=1 vmalloc
0xffffc9000002c000-0xffffc9000002e000    8192 0xffffffffc0403040 pages=1 vmalloc
0xffffc90000030000-0xffffc90000032000    8192 0xffffffffc0503040 pages=1 vmalloc
0xffffc90000034000-0xffffc90000036000    8192 unpurged vm_area
0xffffc90000038000-0xffffc9000003a000    8192 vm_map_ram
0xffffc9000003c000-0xffffc9000003e000    8192 acpi_os_map_iomem+0x1a0/0x1d0 phys=0x00000000fed00000 ioremap
`

func TestAreas(t *testing.T) {
	l := fake(t, nil)
	if err := os.WriteFile(l.vmalloc, []byte(areas), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := l.areas(cause.Module{Name: "kweb", Text: []wire.Range{{Start: 0xffffffffc0403000, End: 0xffffffffc0404000}}})
	want := []wire.Site{
		{Cache: "vmalloc", Count: 1, Size: 12288, Stack: []wire.StackFrame{{Func: "kweb_start", Offset: 0x17, Size: 0x30, Module: "kweb"}}},
		{Cache: "vmalloc", Count: 2, Size: 4096, Stack: []wire.StackFrame{{Addr: 0xffffffffc0403040}}},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, sites (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"0xffffc90000000000-0xffffc90000005000\n", "a b c\n"} {
		if _, err := parseAreas(bad); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v, want %v", bad, err, ErrFormat)
		}
	}
	if err := os.Remove(l.vmalloc); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Read(wire.LedgerRequest{Name: "kweb"}); err == nil {
		t.Error("a ledger that cannot see vmalloc did not say so")
	}
}
