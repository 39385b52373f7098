package finding

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// kmemleakFile returns what a kernel said.
func kmemleakFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	_, file, _ := strings.Cut(string(text), "\n") // the first line says where it comes from
	return file
}

// From 6.9 on there is a checksum, and frames have no address beside their names.
func TestParseKmemleakOf612(t *testing.T) {
	got := ParseKmemleak(kmemleakFile(t, "kasan612-leak.kmemleak"))
	want := []summary{{Kmemleak, "", "", "an object of 16384 bytes that nothing points to any more", "", 1}}
	if diff := cmp.Diff(want, summaries(got)); diff != "" {
		t.Fatalf("-want +got:\n%s", diff)
	}
	f := got[0]
	if diff := cmp.Diff([]Frame{{Addr: 0xffffffffa000f252}, {Addr: 0xffffffffa000f0ba}}, f.Stack[3:5]); diff != "" || len(f.Stack) != 13 {
		t.Errorf("frames of the module, of %d (-want +got):\n%s", len(f.Stack), diff)
	}
	if jiffies, ok := MadeAt(f); !ok || jiffies != 4294908173 {
		t.Errorf("made at jiffies %d, %v", jiffies, ok)
	}
}

func TestParseKmemleak(t *testing.T) {
	file := kmemleakFile(t, "kasan-leak.kmemleak")
	got := ParseKmemleak(file)
	want := []summary{{Kmemleak, "", "", "an object of 128 bytes that nothing points to any more", "", 1}}
	if diff := cmp.Diff(want, summaries(got)); diff != "" {
		t.Fatalf("-want +got:\n%s", diff)
	}
	f := got[0]
	if f.Oracle != OracleKmemleak || f.Objects != 1 || f.Bytes != 128 || f.Address != 0xff11000006778d00 || len(f.Stack) != 12 {
		t.Errorf("%+v", f)
	}
	// The module is gone: only its addresses are left.
	if diff := cmp.Diff([]Frame{{Addr: 0xffffffffa0001655}, {Addr: 0xffffffffa000c061}}, f.Stack[2:4]); diff != "" {
		t.Errorf("frames of the module (-want +got):\n%s", diff)
	}
	if jiffies, ok := MadeAt(f); !ok || jiffies != 4294895724 {
		t.Errorf("made at jiffies %d, %v", jiffies, ok)
	}
	if _, ok := MadeAt(Finding{Excerpt: []string{"unreferenced object 0xff11000006778d00 (size 128):"}}); ok {
		t.Error("an object that nobody says the time of has one")
	}
	if two := ParseKmemleak(file + file); len(two) != 2 {
		t.Errorf("two objects yield %d findings", len(two))
	}
	if none := ParseKmemleak(""); len(none) != 0 {
		t.Errorf("an empty file yields %v", titles(none))
	}
}
