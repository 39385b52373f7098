package ledger

import (
	"bytes"

	"ktcp/guest/cause"
)

// mention returns a quick test for text that may hold a frame of the module.
func mention(m cause.Module) func(text []byte) bool {
	tag := []byte("[" + m.Name)
	bare := []byte(" 0x")
	return func(text []byte) bool {
		return len(m.Name) > 0 && bytes.Contains(text, tag) || len(m.Text)+len(m.Init) > 0 && bytes.Contains(text, bare)
	}
}
