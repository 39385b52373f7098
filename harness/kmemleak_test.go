package harness

import (
	"testing"
	"time"

	"ktcp/guest/wire"
	"ktcp/harness/finding"
)

// What is left of a module's init is an address in text that was given away: the object is the module's if it was made while init ran.
func TestOwnerOf(t *testing.T) {
	const object = `unreferenced object 0xff11000006800000 (size 16384):
  comm "insmod", pid 44, jiffies 4294895724
  backtrace:
    [<ffffffff8147b1b5>] kmalloc_large+0x25/0xd0
    [<ffffffffa000c061>] 0xffffffffa000c061
    [<ffffffff81002011>] do_one_initcall+0xe1/0x3d0
`
	objects := finding.ParseKmemleak(object)
	if len(objects) != 1 {
		t.Fatalf("%d objects, want 1", len(objects))
	}
	// 4 s after it was made.
	answer := wire.KmemleakAnswer{Jiffies: 4294895724 + 4*250, Now: 18 * time.Second}
	made := madeAt(objects[0], answer, 250)
	const at = 14 * time.Second
	text, init := wire.Range{Start: 0xffffffffa0001000, End: 0xffffffffa0002000}, wire.Range{Start: 0xffffffffa000c000, End: 0xffffffffa000d000}
	for _, tt := range []struct {
		name string
		req  wire.LedgerRequest
		want string
	}{
		{"init", wire.LedgerRequest{Init: []wire.InitText{{Range: init, From: at - time.Millisecond, Until: at + time.Millisecond}}}, "kweb"},
		{"init, before", wire.LedgerRequest{Init: []wire.InitText{{Range: init, From: at + time.Second, Until: at + 2*time.Second}}}, ""},
		{"init, after", wire.LedgerRequest{Init: []wire.InitText{{Range: init, From: at - 2*time.Second, Until: at - time.Second}}}, ""},
		{"elsewhere", wire.LedgerRequest{Text: []wire.Range{text}}, ""},
		{"refused: nobody knows where it was", wire.LedgerRequest{Text: []wire.Range{moduleSpace}, Since: at - time.Second}, "kweb"},
		{"whoever was there before the first", wire.LedgerRequest{Text: []wire.Range{moduleSpace}, Since: at + time.Second}, ""},
	} {
		tt.req.Name = "kweb"
		other := wire.LedgerRequest{Name: "kecho", Text: []wire.Range{text}}
		if got := ownerOf(objects[0], made, []wire.LedgerRequest{other, tt.req}); got != tt.want {
			t.Errorf("%s: owner is %q, want %q", tt.name, got, tt.want)
		}
	}
	objects[0].Excerpt = objects[0].Excerpt[:1]
	if got := madeAt(objects[0], answer, 250); got.Earliest != 0 || got.Latest != answer.Now {
		t.Errorf("an object of no known age was made %v, want at any time", got)
	}
}
