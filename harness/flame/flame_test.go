package flame

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

var stacks = []Stack{
	{Frames: []Frame{{"client", User}, {"tcp_sendmsg", Kernel}}, Count: 60},
	{Frames: []Frame{{"client", User}, {"tcp_sendmsg", Kernel}, {"recv<main> main.c:7", Module}}, Count: 30},
	{Frames: []Frame{{"kworker", User}}, Count: 10},
	{Frames: []Frame{{"kworker", User}}, Count: 0},
}

func TestFolded(t *testing.T) {
	var b strings.Builder
	if err := Folded(&b, append(stacks, stacks[0])); err != nil {
		t.Fatal(err)
	}
	const want = "client;tcp_sendmsg 120\nclient;tcp_sendmsg;recv<main> main.c:7 30\nkworker 10\n"
	if b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

func TestSVG(t *testing.T) {
	var b strings.Builder
	if err := SVG(&b, Chart{Title: "a & b", Total: 1000, Unit: "instructions"}, stacks); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("not XML: %v in\n%s", err, text)
		}
	}
	for _, want := range []string{
		"a &amp; b", "recv&lt;main&gt; main.c:7: 30.0 %, 300 instructions", "tcp_sendmsg: 90.0 %, 900 instructions",
		`width="882.0"`, // nine tenths of 980
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestSVGOfNothing(t *testing.T) {
	if err := SVG(io.Discard, Chart{}, nil); !errors.Is(err, ErrEmpty) {
		t.Errorf("%v, want %v", err, ErrEmpty)
	}
}

func TestFit(t *testing.T) {
	for _, tt := range []struct {
		letters int
		want    string
	}{{20, "tcp_sendmsg"}, {5, "tcp_…"}, {2, ""}} {
		if got := fit("tcp_sendmsg", tt.letters); got != tt.want {
			t.Errorf("fit to %d: %q, want %q", tt.letters, got, tt.want)
		}
	}
}
