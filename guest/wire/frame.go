package wire

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxFrame is the largest message in bytes that either side sends. A module with DWARF is a few MiB.
const MaxFrame = 256 << 20

// ErrFrameTooLarge is returned for a length beyond [MaxFrame]: the stream is out of step or the peer is broken.
var ErrFrameTooLarge = errors.New("frame too large")

// Frame is one message in either direction.
type Frame struct {
	// ID ties an answer to its request. The agent's [Ready] has ID 0; requests count from 1.
	ID uint64 `json:"id"`
	// Op names the operation. It is empty in answers.
	Op string `json:"op,omitempty"`
	// Body is the JSON of the request or of the answer.
	Body json.RawMessage `json:"body,omitempty"`
	// Err is set in an answer when the operation failed; Body is then empty.
	Err *Error `json:"err,omitempty"`
}

// WriteFrame writes f to w in a single Write, so that concurrent writers need only serialize whole calls. f.Body must be
// valid JSON; it is left out of a frame that carries an error.
func WriteFrame(w io.Writer, f Frame) error {
	buf, err := appendFrame(make([]byte, 4, 4+frameRoom+len(f.Body)), f)
	if err != nil {
		return fmt.Errorf("encode frame: %w", err)
	}
	n := len(buf) - 4
	if n > MaxFrame {
		return fmt.Errorf("encode frame of %d bytes: %w", n, ErrFrameTooLarge)
	}
	binary.LittleEndian.PutUint32(buf, uint32(n))
	if _, err := w.Write(buf); err != nil {
		return fmt.Errorf("write frame: %w", err)
	}
	return nil
}

// ReadFrame reads one frame from r. It returns io.EOF only when r ends between two frames.
func ReadFrame(r io.Reader) (Frame, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return Frame{}, io.EOF
		}
		return Frame{}, fmt.Errorf("read frame length: %w", err)
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n > MaxFrame {
		return Frame{}, fmt.Errorf("read frame of %d bytes: %w", n, ErrFrameTooLarge)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return Frame{}, fmt.Errorf("read frame body: %w", err)
	}
	if f, ok := cutFrame(body); ok {
		return f, nil
	}
	var f Frame
	if err := json.Unmarshal(body, &f); err != nil {
		return Frame{}, fmt.Errorf("decode frame: %w", err)
	}
	return f, nil
}

// Error is a failed operation as the guest saw it.
type Error struct {
	// Text says what the agent was doing and what went wrong.
	Text string `json:"text"`
	// Errno is the guest kernel's error number where one was behind it, otherwise 0.
	// Test for one with errors.Is(err, syscall.EADDRINUSE).
	Errno int `json:"errno,omitempty"`
	// Timeout tells that the operation's own deadline passed in the guest.
	Timeout bool `json:"timeout,omitempty"`
}
