package kmsg

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"ktcp/guest/wire"
)

// ErrFormat is returned for a record that is not in the format of Documentation/ABI/testing/dev-kmsg.
var ErrFormat = errors.New("malformed record of the kernel log")

// levelMask takes the level out of a record's priority; the rest is the facility.
const levelMask = 7

// Parse reads one record: "6,339,5140900,-,caller=T1;text", followed by lines that begin with a space and tell which
// device the record is about. Those are left out.
func Parse(raw []byte) (wire.KmsgRecord, error) {
	head, text, ok := bytes.Cut(raw, []byte{';'})
	fields := strings.Split(string(head), ",")
	if !ok || len(fields) < 4 {
		return wire.KmsgRecord{}, fmt.Errorf("%w: %q", ErrFormat, raw)
	}
	prio, errPrio := strconv.ParseUint(fields[0], 10, 32)
	seq, errSeq := strconv.ParseUint(fields[1], 10, 64)
	usec, errTime := strconv.ParseInt(fields[2], 10, 64)
	if err := errors.Join(errPrio, errSeq, errTime); err != nil {
		return wire.KmsgRecord{}, fmt.Errorf("%w: %q", ErrFormat, head)
	}
	text, _, _ = bytes.Cut(text, []byte{'\n'}) // newlines of the text itself are escaped
	r := wire.KmsgRecord{
		Seq: seq, Level: int(prio & levelMask), Time: time.Duration(usec) * time.Microsecond, Text: unescape(text),
	}
	for _, f := range fields[4:] {
		if caller, ok := strings.CutPrefix(f, "caller="); ok {
			r.Caller = caller
		}
	}
	return r, nil
}

// unescape turns the kernel's \xNN back into bytes.
func unescape(text []byte) string {
	if !bytes.Contains(text, []byte(`\x`)) {
		return string(text)
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) && text[i+1] == 'x' {
			if b, err := strconv.ParseUint(string(text[i+2:i+4]), 16, 8); err == nil {
				out = append(out, byte(b))
				i += 3
				continue
			}
		}
		out = append(out, text[i])
	}
	return strings.ToValidUTF8(string(out), "�")
}
