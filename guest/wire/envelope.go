package wire

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// The envelope of a frame is written and read by hand, in one form: {"id":1,"op":"name","body":...} or
// {"id":1,"err":{...}}. encoding/json would look at every byte of a body several times before anybody decodes it, and
// would run much code before the first answer of a guest that has just been restored and must translate all of it anew.
// Frames in any other form are still understood, by encoding/json.

const (
	idKey   = `{"id":`
	opKey   = `,"op":"`
	bodyKey = `,"body":`
	errKey  = `,"err":`
)

// frameRoom is enough for an envelope without its body.
const frameRoom = 64

// appendFrame appends the JSON of f.
func appendFrame(buf []byte, f Frame) ([]byte, error) {
	buf = append(buf, idKey...)
	buf = strconv.AppendUint(buf, f.ID, 10)
	if f.Op != "" {
		if !plain([]byte(f.Op)) {
			name, err := json.Marshal(f.Op)
			if err != nil {
				return nil, err
			}
			buf = append(append(buf, opKey[:len(opKey)-1]...), name...)
		} else {
			buf = append(append(append(buf, opKey...), f.Op...), '"')
		}
	}
	switch {
	case f.Err != nil:
		text, err := json.Marshal(f.Err)
		if err != nil {
			return nil, err
		}
		buf = append(append(buf, errKey...), text...)
	case len(f.Body) > 0:
		buf = append(append(buf, bodyKey...), f.Body...)
	}
	return append(buf, '}'), nil
}

// cutFrame takes a frame without an error apart. It reports false for every other form. The body is a part of text
// and is not looked at.
func cutFrame(text []byte) (f Frame, ok bool) {
	rest, ok := bytes.CutPrefix(text, []byte(idKey))
	if !ok {
		return f, false
	}
	digits := 0
	for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
		f.ID = f.ID*10 + uint64(rest[digits]-'0')
		digits++
	}
	if digits == 0 || digits > 19 { // more might not fit
		return Frame{}, false
	}
	rest = rest[digits:]
	if after, found := bytes.CutPrefix(rest, []byte(opKey)); found {
		end := bytes.IndexByte(after, '"')
		if end < 0 || !plain(after[:end]) {
			return Frame{}, false
		}
		f.Op, rest = string(after[:end]), after[end+1:]
	}
	if after, found := bytes.CutPrefix(rest, []byte(bodyKey)); found && len(after) > 1 && after[len(after)-1] == '}' {
		f.Body = json.RawMessage(after[:len(after)-1])
		return f, true
	}
	return f, len(rest) == 1 && rest[0] == '}'
}

// plain reports whether a string is its own JSON.
func plain(s []byte) bool {
	for _, c := range s {
		switch { // encoding/json escapes the last three for the sake of HTML
		case c < ' ', c >= 0x7f, c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}
