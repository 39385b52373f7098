// Package slowed makes a kecho that wastes time at a line that is known, for tests of what measures and of what names lines.
package slowed

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// seam is the line of kecho behind which it wastes its time, once for each message.
const seam = "\tktcp_conn_touch(ktcp_io_conn(io));\n"

// Kecho copies the modules of the project at root and has kecho go round a loop that often, of two instructions a time at the most. It
// returns kecho's directory and the line on which the loop begins; its body is on the next.
func Kecho(tb testing.TB, root string, rounds int) (dir string, line int) {
	tb.Helper()
	modules := tb.TempDir()
	if err := os.CopyFS(modules, os.DirFS(filepath.Join(root, "module"))); err != nil {
		tb.Fatal(err)
	}
	dir = filepath.Join(modules, "kecho")
	source := filepath.Join(dir, "main.c")
	text, err := os.ReadFile(source)
	if err != nil {
		tb.Fatal(err)
	}
	before, after, ok := bytes.Cut(text, []byte(seam))
	if !ok {
		tb.Fatalf("%s has no %q", source, seam)
	}
	loop := fmt.Sprintf("\tfor (int i = 0; i < %d; i++)\n\t\tbarrier();\n", rounds)
	if err := os.WriteFile(source, []byte(string(before)+seam+loop+string(after)), 0o644); err != nil {
		tb.Fatal(err)
	}
	return dir, bytes.Count(before, []byte("\n")) + 2
}
