package trace

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// GraphFile is the name of the file with the calls of one request.
const GraphFile = "request.txt"

// called matches a function of a module in a line that enters it: "ktcp_recv [khttpd]() {" or "ktcp_recv [khttpd]();".
var called = regexp.MustCompile(`([\w.]+) \[(\w+)\]\(\)( \{|;)`)

// Annotate puts the line of source beside each of a module's functions, where one is known: in the calls of one request as the
// kernel printed them. Its comments, which name columns, are left as they are. It returns how many functions it knew.
func Annotate(text, module string, where func(function string) string) (annotated string, known int) {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \n")
		if m := called.FindStringSubmatch(line); m != nil && m[2] == module {
			if at := where(m[1]); at != "" {
				known++
				line += "  // " + at
			}
		}
		b.WriteString(line + "\n")
	}
	return b.String(), known
}

// Graph is what a module's functions called for one request.
type Graph struct {
	About string // in a line: what the client did
	Text  string // annotated
	Lost  int    // calls that are missing
}

// WriteGraph writes it into dir, below a header that says how to read it.
func WriteGraph(dir string, g Graph) error {
	head := "# " + g.About + "\n" +
		"# The functions of the module and what they call, as the kernel's function_graph prints it; file:line is where a function of\n" +
		"# the module begins. A microsecond is 1,000 instructions, the tracer's own among them: some 660 for each call, so\n" +
		"# that a function of 0.66 us has done next to nothing.\n"
	if g.Lost > 0 {
		head += fmt.Sprintf("# %d calls are missing: there was no room for them. Give a --depth.\n", g.Lost)
	}
	return os.WriteFile(filepath.Join(dir, GraphFile), []byte(head+g.Text), 0o644)
}
