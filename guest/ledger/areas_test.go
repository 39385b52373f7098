package ledger

import (
	"errors"
	"os"
	"testing"
	"time"

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

// Init's text is given away, so an area that init called for is told by the object that describes it, whose age is known.
func TestReadFindsAreasOfInit(t *testing.T) {
	const described = `      1 __get_vm_area_node+0x10/0x20 age=500 pid=9 cpus=0
        __get_vm_area_node+0x10/0x20
        vmalloc+0x4a/0x50
        0xffffffffc0403040
        do_one_initcall+0x41/0x1d0
`
	l := fake(t, map[string]string{"kmalloc-64": described})
	if err := os.WriteFile(l.vmalloc, []byte(areas), 0o644); err != nil {
		t.Fatal(err)
	}
	up, err := monotonic()
	if err != nil {
		t.Fatal(err)
	}
	made := up - 2*time.Second // 500 jiffies ago
	ran := func(at time.Duration) wire.LedgerRequest {
		return wire.LedgerRequest{Name: "kweb", Init: []wire.InitText{{
			Range: wire.Range{Start: 0xffffffffc0403000, End: 0xffffffffc0404000}, From: at, Until: at + 100*time.Millisecond,
		}}}
	}
	for _, tt := range []struct {
		name string
		at   time.Duration
		want []string
	}{
		{"while init ran", made, []string{"kmalloc-64", "vmalloc", "vmalloc"}},
		{"by who had the text before", made + time.Minute, []string{"vmalloc"}},
	} {
		var got []string
		for _, s := range read(t, l, ran(tt.at)).Sites {
			got = append(got, s.Cache)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: caches (-want +got):\n%s", tt.name, diff)
		}
	}
}
