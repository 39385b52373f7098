package kmsg

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ktcp/guest/wire"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, raw string
		want      wire.KmsgRecord
	}{
		{
			"plain", "6,339,5140900,-;kweb: loaded\n",
			wire.KmsgRecord{Seq: 339, Level: 6, Time: 5140900 * time.Microsecond, Text: "kweb: loaded"},
		},
		{
			"facility", "30,7,1,-;from user space\n",
			wire.KmsgRecord{Seq: 7, Level: 6, Time: time.Microsecond, Text: "from user space"},
		},
		{
			"caller", "4,8,2,-,caller=T123;BUG\n",
			wire.KmsgRecord{Seq: 8, Level: 4, Time: 2 * time.Microsecond, Caller: "T123", Text: "BUG"},
		},
		{
			"dictionary", "6,9,3,-;pci 0000:00:1f.2: up\n SUBSYSTEM=pci\n DEVICE=+pci:0000:00:1f.2\n",
			wire.KmsgRecord{Seq: 9, Level: 6, Time: 3 * time.Microsecond, Text: "pci 0000:00:1f.2: up"},
		},
		{
			"a fragment of a line", "6,10,4,c; done\n",
			wire.KmsgRecord{Seq: 10, Level: 6, Time: 4 * time.Microsecond, Text: " done"},
		},
		{
			"escapes", "3,11,5,-;first\\x0asecond \\x5c backslash\n",
			wire.KmsgRecord{Seq: 11, Level: 3, Time: 5 * time.Microsecond, Text: "first\nsecond \\ backslash"},
		},
		{
			"an escape cut short", "3,12,5,-;odd \\x0\n",
			wire.KmsgRecord{Seq: 12, Level: 3, Time: 5 * time.Microsecond, Text: "odd \\x0"},
		},
		{
			"UTF-8", "3,13,5,-;gr\\xc3\\xbcn \\xff\n",
			wire.KmsgRecord{Seq: 13, Level: 3, Time: 5 * time.Microsecond, Text: "grün �"},
		},
		{"empty", "3,14,5,-;\n", wire.KmsgRecord{Seq: 14, Level: 3, Time: 5 * time.Microsecond}},
		{
			"semicolons", "3,15,5,-;a;b\n",
			wire.KmsgRecord{Seq: 15, Level: 3, Time: 5 * time.Microsecond, Text: "a;b"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse([]byte(tt.raw))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
	for _, raw := range []string{"", "no semicolon", "6,1;short", "x,1,1,-;level", "6,x,1,-;seq", "6,1,x,-;time"} {
		if _, err := Parse([]byte(raw)); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: error = %v, want %v", raw, err, ErrFormat)
		}
	}
}

// ring is a kernel log that a test writes.
type ring struct {
	first, next uint64 // sequence numbers that it holds
	opened      int
	wait        func(time.Duration) // nil: nobody may wait
}

func (r *ring) log() *Log {
	return &Log{open: func() (func([]byte) (int, error), func(time.Duration) error, error) {
		r.opened++
		at := r.first
		return func(b []byte) (int, error) {
			if at < r.first {
				at = r.first
				return 0, syscall.EPIPE
			}
			if at >= r.next {
				return 0, syscall.EAGAIN
			}
			at++
			return copy(b, fmt.Sprintf("6,%d,1,-;line %d\n", at-1, at-1)), nil
		}, func(d time.Duration) error { r.wait(d); return nil }, nil
	}}
}

func TestLogReadWaits(t *testing.T) {
	r := &ring{next: 3}
	l := r.log()
	waits := 0
	r.wait = func(d time.Duration) {
		if waits++; waits == 3 { // woken twice for nothing
			r.next = 4
		}
		if d <= 0 || d > time.Hour {
			t.Errorf("waits for %v of an hour", d)
		}
		if waits == 2 { // another reader has taken what came
			if _, err := l.End(); err != nil {
				t.Error(err)
			}
		}
	}
	got, err := l.Read(wire.KmsgRequest{Cursor: 3, Wait: time.Hour})
	if err != nil || len(got.Records) != 1 || got.Next != 4 || waits != 3 {
		t.Errorf("%+v, %v after %d waits; want the record that came with the third", got, err, waits)
	}
	if got, err := l.Read(wire.KmsgRequest{Cursor: 2, Wait: time.Hour}); err != nil || len(got.Records) != 2 || waits != 3 {
		t.Errorf("%+v, %v after %d waits; want what is there at once", got, err, waits)
	}
}

// Where nothing comes the answer is there when the time is over, and neither before nor after. The clock is the test's own.
func TestLogReadWaitsNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &ring{next: 4, wait: func(d time.Duration) { <-time.After(min(d, 40*time.Minute)) }} // woken once for nothing
		l, began := r.log(), time.Now()
		got, err := l.Read(wire.KmsgRequest{Cursor: 4, Wait: time.Hour})
		if took := time.Since(began); err != nil || got.Records != nil || got.Next != 4 || took != time.Hour {
			t.Errorf("%+v, %v after %v; want nothing after an hour", got, err, took)
		}
	})
}

func TestLogRead(t *testing.T) {
	r := &ring{next: 3}
	l := r.log()
	read := func(cursor, wantFirst, wantNext uint64, wantRecords int, wantLost bool) {
		t.Helper()
		got, err := l.Read(wire.KmsgRequest{Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Records) != wantRecords || got.Next != wantNext || got.Lost != wantLost {
			t.Errorf("from %d: %d records, next %d, lost %v; want %d, %d, %v", cursor, len(got.Records), got.Next, got.Lost,
				wantRecords, wantNext, wantLost)
		}
		if wantRecords > 0 && got.Records[0].Seq != wantFirst {
			t.Errorf("from %d: first is %d, want %d", cursor, got.Records[0].Seq, wantFirst)
		}
	}
	read(0, 0, 3, 3, false)
	read(3, 0, 3, 0, false)
	r.next = 5
	read(3, 3, 5, 2, false)
	if r.opened != 1 {
		t.Errorf("opened %d times, want once for a reader that goes on", r.opened)
	}
	read(1, 1, 5, 4, false)
	if r.opened != 2 {
		t.Errorf("opened %d times, want a second time for one that goes back", r.opened)
	}
	r.first, r.next = 20, 22
	read(5, 20, 22, 2, true)
	read(22, 0, 22, 0, false)
	read(0, 20, 22, 2, true)
}

func TestLogEnd(t *testing.T) {
	r := &ring{first: 2, next: 5}
	l := r.log()
	for _, want := range []uint64{5, 5, 7} {
		r.next = want
		if got, err := l.End(); err != nil || got != want {
			t.Errorf("end is %d, %v, want %d", got, err, want)
		}
	}
	r.next = 9
	got, err := l.Read(wire.KmsgRequest{Cursor: 7})
	if err != nil || len(got.Records) != 2 || got.Records[0].Seq != 7 || got.Lost || r.opened != 1 {
		t.Errorf("reading on from the end: %+v, %v; opened %d times", got, err, r.opened)
	}
}

func TestLogReadReportsErrors(t *testing.T) {
	l := &Log{open: func() (func([]byte) (int, error), func(time.Duration) error, error) {
		return func([]byte) (int, error) { return 0, syscall.EIO }, nil, nil
	}}
	if _, err := l.Read(wire.KmsgRequest{}); !errors.Is(err, syscall.EIO) {
		t.Errorf("error = %v, want %v", err, syscall.EIO)
	}
}

func TestSysrqWantsOneKey(t *testing.T) {
	for _, key := range []string{"", "tw"} {
		if _, err := Sysrq(wire.SysrqRequest{Key: key}); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("key %q: error = %v, want %v", key, err, syscall.EINVAL)
		}
	}
}
