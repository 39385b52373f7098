package unchanged

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ktcp/harness/cache"
)

func open(t *testing.T) (*Book, *cache.Dir) {
	t.Helper()
	c, err := cache.OpenAt(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return b, c
}

func TestPassIsFoundAgain(t *testing.T) {
	b, _ := open(t)
	if p, ok := b.Find("stock", "TestEcho"); ok {
		t.Errorf("found before anything passed: %+v", p)
	}
	want := Pass{Scenario: "TestEcho", When: time.Now().UTC().Truncate(time.Second), Run: "/r", Made: map[string]string{"module/kecho": "1"}}
	later := want
	later.Made = map[string]string{"module/kecho": "2"}
	for _, p := range []Pass{want, later} {
		if err := b.Keep(t.Context(), "stock", p); err != nil {
			t.Fatal(err)
		}
		got, ok := b.Find("stock", "TestEcho")
		if diff := cmp.Diff(p, got); !ok || diff != "" {
			t.Errorf("found %v, -want +got:\n%s", ok, diff)
		}
	}
	if _, ok := b.Find("kasan", "TestEcho"); ok {
		t.Error("found for another guest")
	}
	if _, ok := b.Find("stock", "TestEcho/1"); ok {
		t.Error("found for another scenario")
	}
}

func TestForget(t *testing.T) {
	b, _ := open(t)
	for _, scenario := range []string{"TestEcho", "TestHTTP"} {
		if err := b.Keep(t.Context(), "stock", Pass{Scenario: scenario, When: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second time there is nothing
		if err := b.Forget(t.Context(), "stock", "TestEcho"); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := b.Find("stock", "TestEcho"); ok {
		t.Error("found what was to be forgotten")
	}
	if _, ok := b.Find("stock", "TestHTTP"); !ok {
		t.Error("another scenario's pass was forgotten, too")
	}
}

func TestOtherProgramFindsNothing(t *testing.T) {
	b, c := open(t)
	if err := b.Keep(t.Context(), "stock", Pass{Scenario: "TestEcho", When: time.Now()}); err != nil {
		t.Fatal(err)
	}
	other := &Book{cache: c, program: "another"}
	if _, ok := other.Find("stock", "TestEcho"); ok {
		t.Error("a program that was changed found the pass of the one before")
	}
}

func TestWhatIsOldOrDamagedIsNoPass(t *testing.T) {
	b, c := open(t)
	if err := b.Keep(t.Context(), "stock", Pass{Scenario: "TestOld", When: time.Now().Add(-age - time.Minute)}); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.Find("stock", "TestOld"); ok {
		t.Error("found what passed long ago")
	}
	if err := b.Keep(t.Context(), "stock", Pass{Scenario: "TestEcho", When: time.Now()}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(c.Root(), kind, b.key("stock", "TestEcho"), noteIn)
	if err := os.WriteFile(file, []byte(`{"scenario":"TestEcho","when":`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.Find("stock", "TestEcho"); ok {
		t.Error("found a pass in a note that is cut off")
	}
}
