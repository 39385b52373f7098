package serve

import (
	"encoding/json"
	"fmt"

	"ktcp/guest/wire"
)

// Table maps operations to what serves them.
type Table map[string]entry

type entry struct {
	serve  func(body []byte) ([]byte, error)
	inline bool
}

// Option changes how an operation is served.
type Option func(*entry)

// Inline has the reading thread serve the operation itself. The handler must not wait for anything.
func Inline(e *entry) { e.inline = true }

// Handle registers what serves op. It panics when op has been registered before.
func Handle[Req, Res any](t Table, op wire.Op[Req, Res], handler func(Req) (Res, error), options ...Option) {
	if _, ok := t[op.Name]; ok {
		panic("operation registered twice: " + op.Name)
	}
	e := entry{serve: func(body []byte) ([]byte, error) {
		var req Req
		if err := decode(body, &req); err != nil {
			return nil, fmt.Errorf("decode request: %w", err)
		}
		res, err := handler(req)
		if err != nil {
			return nil, err
		}
		answer, err := encode(res)
		if err != nil {
			return nil, fmt.Errorf("encode answer: %w", err)
		}
		return answer, nil
	}}
	for _, o := range options {
		o(&e)
	}
	t[op.Name] = e
}

// answerRoom is enough for most answers that write themselves.
const answerRoom = 128

// decode reads a request by the type's own way, where it has one, or by encoding/json.
func decode(body []byte, req any) error {
	if len(body) == 0 {
		return nil
	}
	if d, ok := req.(interface{ DecodeFast([]byte) bool }); ok && d.DecodeFast(body) {
		return nil
	}
	return json.Unmarshal(body, req)
}

// encode writes an answer in the same way.
func encode(res any) ([]byte, error) {
	if e, ok := res.(interface{ AppendFast([]byte) ([]byte, bool) }); ok {
		if buf, ok := e.AppendFast(make([]byte, 0, answerRoom)); ok {
			return buf, nil
		}
	}
	return json.Marshal(res)
}
