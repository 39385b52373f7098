package vm

import (
	"testing"
	"time"

	"ktcp/guest/wire"
)

func TestCloneAnswers(t *testing.T) {
	s := stock(t)
	g, err := Clone(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v, %+v", g, g.Timing())
	t.Logf("%+v", g.Hello())
	res, err := Call(t.Context(), g, wire.ReadFile, wire.FileRequest{Path: "/proc/cmdline"})
	t.Logf("%s %v", res.Data, err)
	began := time.Now()
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	t.Log(time.Since(began))
	t.Log(len(g.BootConsole()), g.Err())
	for range 5 {
		g, err := Clone(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%v, %+v", g, g.Timing())
		g.Close()
	}
}
