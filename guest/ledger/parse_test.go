package ledger

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ktcp/guest/wire"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden is a location as the golden files hold it.
type golden struct {
	Count  int
	AgeMin uint64
	AgeMax uint64
	Stack  []wire.StackFrame
}

// TestParseTraces reads traces that guests printed, of both kernels, with a module loaded and after it was unloaded.
func TestParseTraces(t *testing.T) {
	files, err := filepath.Glob("testdata/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no traces in testdata: %v", err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".json") || strings.HasSuffix(file, "timer_list") {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			locations, err := parseTraces(text, func(block []byte) bool { return !strings.HasPrefix(string(block), "No data") })
			if err != nil {
				t.Fatal(err)
			}
			got := []golden{}
			for _, l := range locations {
				got = append(got, golden{l.count, l.ageMin, l.ageMax, l.stack})
			}
			path := file + ".json"
			if *update {
				text, err := json.MarshalIndent(got, "", " ")
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			var want []golden
			text, err = os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("locations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseLocation(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       golden
		fails      bool
	}{
		{
			name: "no stack",
			text: "      7 kweb_start+0x10/0x20 [kweb] age=5 pid=1",
			want: golden{7, 5, 5, []wire.StackFrame{{Func: "kweb_start", Offset: 0x10, Size: 0x20, Module: "kweb"}}},
		},
		{
			name: "no place",
			text: "      7 <not-available> age=5 pid=1",
			want: golden{7, 5, 5, []wire.StackFrame{{Func: "<not-available>"}}},
		},
		{
			name: "build id after the module's name",
			text: "1 f+0x1/0x2 [kweb 1234abcd] age=0 pid=1\n        f+0x1/0x2 [kweb 1234abcd]",
			want: golden{1, 0, 0, []wire.StackFrame{{Func: "f", Offset: 1, Size: 2, Module: "kweb"}}},
		},
		{
			name: "age below zero",
			text: "2 f+0x1/0x2 age=-1/3/4 pid=1",
			want: golden{2, 0, 4, []wire.StackFrame{{Func: "f", Offset: 1, Size: 2}}},
		},
		{name: "no number", text: "many f+0x1/0x2 age=0", fails: true},
		{name: "nothing else", text: "1", fails: true},
		{name: "age that is none", text: "1 f+0x1/0x2 age=old pid=1", fails: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := parseLocation([]byte(tt.text))
			if tt.fails {
				if !errors.Is(err, ErrFormat) {
					t.Errorf("error = %v, want %v", err, ErrFormat)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, golden{l.count, l.ageMin, l.ageMax, l.stack}); diff != "" {
				t.Errorf("location (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFindHZ(t *testing.T) {
	for _, tt := range []struct {
		file string
		up   time.Duration
	}{
		{"testdata/6.1-timer_list", 9109508160},
		{"testdata/6.12-timer_list", 9490418129},
	} {
		text, err := os.ReadFile(tt.file)
		if err != nil {
			t.Fatal(err)
		}
		if hz, err := findHZ(text, tt.up); err != nil || hz != 250 {
			t.Errorf("%s: HZ = %d, %v, want 250", tt.file, hz, err)
		}
	}
	for _, hz := range rates {
		text := "\njiffies: " + strconv.FormatUint(1<<32-300*hz+4*hz, 10) + "\n"
		if got, err := findHZ([]byte(text), 4*time.Second); err != nil || got != hz {
			t.Errorf("HZ = %d, %v, want %d", got, err, hz)
		}
	}
	if _, err := findHZ([]byte("nothing"), time.Second); err == nil {
		t.Error("no error for a list without jiffies")
	}
}
