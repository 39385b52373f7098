package wire

import (
	"bytes"
	"encoding/base64"
	"strconv"
)

// Hello is the first request to a guest that has just been restored, which must translate all code anew: so its request
// and its answer are also read and written by hand, in the form in which encoding/json writes them.

// DecodeFast fills r from text and reports true, or reports false where text has another form than expected and
// encoding/json must be asked.
func (r *HelloRequest) DecodeFast(text []byte) bool {
	rest, ok := bytes.CutPrefix(text, []byte(`{"unix_nano":`))
	if !ok {
		return false
	}
	digits := 0
	var nano int64
	for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
		nano = nano*10 + int64(rest[digits]-'0')
		digits++
	}
	if digits == 0 || digits > 19 || nano < 0 { // too large
		return false
	}
	rest, ok = bytes.CutPrefix(rest[digits:], []byte(`,"seed":"`))
	if !ok || !bytes.HasSuffix(rest, []byte(`"}`)) {
		return false
	}
	seed := make([]byte, base64.StdEncoding.DecodedLen(len(rest)-2))
	n, err := base64.StdEncoding.Decode(seed, rest[:len(rest)-2])
	if err != nil {
		return false
	}
	r.UnixNano, r.Seed = nano, seed[:n]
	return true
}

// AppendFast appends the JSON of a to buf and reports true, or reports false where encoding/json must be asked.
func (a HelloAnswer) AppendFast(buf []byte) ([]byte, bool) {
	if !plain([]byte(a.Release)) {
		return buf, false
	}
	buf = strconv.AppendInt(append(buf, `{"version":`...), int64(a.Version), 10)
	buf = append(append(append(buf, `,"release":"`...), a.Release...), '"')
	buf = strconv.AppendInt(append(buf, `,"cpus":`...), int64(a.CPUs), 10)
	buf = strconv.AppendInt(append(buf, `,"uptime":`...), int64(a.Uptime), 10)
	buf = strconv.AppendUint(append(buf, `,"log":`...), a.Log, 10)
	return append(buf, '}'), true
}
