package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFrameRoundTrip(t *testing.T) {
	for _, f := range []Frame{
		{},
		{ID: 1, Op: "hello"},
		{ID: 1, Op: "hello", Body: json.RawMessage(`{"seed":"AAAA"}`)},
		{ID: 18446744073709551615, Op: "read"},
		{ID: 2, Body: json.RawMessage(`{"a":{"b":[1,2,"}"]}}`)},
		{ID: 3, Body: json.RawMessage(`null`)},
		{ID: 4, Err: &Error{Text: `open "x": no such file`, Errno: 2}},
		{ID: 5, Err: &Error{Text: "late", Timeout: true}},
		{ID: 6, Op: `odd "name" <&>` + "\n\x7fü"},
		{ID: 7, Body: json.RawMessage(`"` + strings.Repeat("x", 1<<16) + `"`)},
	} {
		var buf bytes.Buffer
		if err := WriteFrame(&buf, f); err != nil {
			t.Fatal(err)
		}
		// Whatever writes it by hand must write JSON.
		var same Frame
		if err := json.Unmarshal(buf.Bytes()[4:], &same); err != nil {
			t.Fatalf("%.100s: %v", buf.Bytes()[4:], err)
		}
		if diff := cmp.Diff(f, same); diff != "" {
			t.Errorf("as JSON (-want +got):\n%s", diff)
		}
		got, err := ReadFrame(&buf)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(f, got); diff != "" {
			t.Errorf("frame (-want +got):\n%s", diff)
		}
	}
}

func TestWriteFrameDropsTheBodyOfAnError(t *testing.T) {
	var buf bytes.Buffer
	if err := WriteFrame(&buf, Frame{ID: 1, Body: json.RawMessage(`{}`), Err: &Error{Text: "no"}}); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFrame(&buf)
	if diff := cmp.Diff(Frame{ID: 1, Err: &Error{Text: "no"}}, got); err != nil || diff != "" {
		t.Errorf("%v, frame (-want +got):\n%s", err, diff)
	}
}

type countingWriter int

func (w *countingWriter) Write(b []byte) (int, error) { *w++; return len(b), nil }

func TestWriteFrameWritesOnce(t *testing.T) {
	var w countingWriter
	if err := WriteFrame(&w, Frame{ID: 1, Op: "x", Body: json.RawMessage(`{}`)}); err != nil || w != 1 {
		t.Errorf("%d writes, %v, want 1", w, err)
	}
}

func message(text string) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(text))), text...)
}

func TestReadFrameTakesAnyJSON(t *testing.T) {
	want := Frame{ID: 9, Op: "read", Body: json.RawMessage(`{"path":"/x"}`)}
	for _, text := range []string{
		`{"id":9,"op":"read","body":{"path":"/x"}}`,
		`{"op":"read","id":9,"body":{"path":"/x"}}`,
		` {"id":9,"op":"read","body":{"path":"/x"}}`,
		`{"id": 9, "op": "read", "body":{"path":"/x"}}`,
		`{"id":9,"op":"rea\u0064","body":{"path":"/x"}}`,
		`{"id":9,"op":"read","extra":1,"body":{"path":"/x"}}`,
	} {
		got, err := ReadFrame(bytes.NewReader(message(text)))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v, frame (-want +got):\n%s", text, err, diff)
		}
	}
}

func TestReadFrameErrors(t *testing.T) {
	whole := message(`{"id":1,"op":"x"}`)
	for _, tt := range []struct {
		name string
		in   []byte
		want error
	}{
		{"end between frames", nil, io.EOF},
		{"end within a length", whole[:2], io.ErrUnexpectedEOF},
		{"end after a length", whole[:4], io.ErrUnexpectedEOF},
		{"end within a body", whole[:9], io.ErrUnexpectedEOF},
		{"too large", []byte{255, 255, 255, 255}, ErrFrameTooLarge},
	} {
		if _, err := ReadFrame(bytes.NewReader(tt.in)); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	for _, text := range []string{"", "garbage", `{"id":1`, `{"id":-1}`, `{"id":1,"op":"x"`, `{"id":99999999999999999999}`} {
		if f, err := ReadFrame(bytes.NewReader(message(text))); err == nil {
			t.Errorf("%q: %+v, want an error", text, f)
		}
	}
}

// FuzzCutFrame compares the envelope that is read by hand with what encoding/json makes of it.
func FuzzCutFrame(f *testing.F) {
	f.Add([]byte(`{"id":1,"op":"hello","body":{"a":1}}`))
	f.Add([]byte(`{"id":1}`))
	f.Add([]byte(`{"id":01,"op":"x"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, ok := cutFrame(text)
		if !ok {
			return
		}
		var want Frame
		if err := json.Unmarshal(text, &want); err != nil {
			return // garbage in the body is for whoever decodes the body
		}
		if want.Err != nil || len(want.Body) != len(got.Body) {
			return // more fields after the body, which nobody writes
		}
		if want.ID != got.ID || want.Op != got.Op || !bytes.Equal(want.Body, got.Body) {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	})
}

func TestHelloByHand(t *testing.T) {
	for _, r := range []HelloRequest{
		{UnixNano: 1764000000000000000, Seed: []byte("0123456789abcdef0123456789abcdef")},
		{UnixNano: 0, Seed: []byte{}}, {UnixNano: 1<<63 - 1, Seed: []byte{0, 255, 1}},
	} {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var got HelloRequest
		if !got.DecodeFast(text) {
			t.Errorf("%s was not understood", text)
		}
		if diff := cmp.Diff(r, got); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
	}
	for _, text := range []string{
		"", "{}", `{"seed":"AAAA"}`, `{"unix_nano":1}`, `{"unix_nano":-1,"seed":"AAAA"}`, `{"unix_nano":1,"seed":"AAA"}`,
		`{"unix_nano":9999999999999999999,"seed":"AAAA"}`, `{"unix_nano":1,"seed":null}`, `{"unix_nano":1,"seed":"AAAA","more":1}`,
	} {
		if got := (&HelloRequest{}); got.DecodeFast([]byte(text)) {
			t.Errorf("%s was understood as %+v, want it left to encoding/json", text, got)
		}
	}
	for _, a := range []HelloAnswer{{}, {Version: 1, Release: "6.1.0-56-cloud-amd64", CPUs: 2, Uptime: 123456789, Log: 331}} {
		want, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := a.AppendFast(nil); !ok || string(got) != string(want) {
			t.Errorf("answer %s, want %s", got, want)
		}
	}
	if _, ok := (HelloAnswer{Release: `6.1-"odd"`}).AppendFast(nil); ok {
		t.Error("a release with quotes was written by hand")
	}
}

func TestErrorIs(t *testing.T) {
	inUse := NewError(&os.PathError{Op: "write", Path: "/x", Err: syscall.EADDRINUSE})
	late := NewError(os.ErrDeadlineExceeded)
	for _, tt := range []struct {
		err    *Error
		target error
		want   bool
	}{
		{inUse, syscall.EADDRINUSE, true},
		{inUse, syscall.EINVAL, false},
		{inUse, os.ErrDeadlineExceeded, false},
		{late, os.ErrDeadlineExceeded, true},
		{late, syscall.Errno(0), false},
		{NewError(errors.New("plain")), syscall.Errno(0), false},
		{NewError(inUse), syscall.EADDRINUSE, true},
	} {
		if got := errors.Is(tt.err, tt.target); got != tt.want {
			t.Errorf("%v is %v: %v, want %v", tt.err, tt.target, got, tt.want)
		}
	}
	if NewError(nil) != nil {
		t.Error("an error from nothing")
	}
}
