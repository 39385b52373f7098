package kbuild

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// How much of what a build says is kept, in bytes: the first errors, and why make gave up.
const (
	mostOutput = 4 << 20
	lastOutput = 64 << 10
)

// clipped keeps the beginning and the end of what is written to it. A makefile may say whatever it likes for as long as it likes.
type clipped struct {
	head, tail []byte // the tail has more than lastOutput at times
	lost       int64
}

// Write implements io.Writer. It never fails.
func (c *clipped) Write(p []byte) (int, error) {
	room := min(len(p), mostOutput-len(c.head))
	c.head = append(c.head, p[:room]...)
	c.tail = append(c.tail, p[room:]...)
	if len(c.tail) > 2*lastOutput {
		c.trim()
	}
	return len(p), nil
}

// trim shortens the tail to what is kept of it.
func (c *clipped) trim() {
	if excess := len(c.tail) - lastOutput; excess > 0 {
		c.lost += int64(excess)
		c.tail = slices.Delete(c.tail, 0, excess)
	}
}

// String returns what was kept, and says how much was not.
func (c *clipped) String() string {
	c.trim()
	if c.lost == 0 {
		return string(c.head) + string(c.tail)
	}
	return fmt.Sprintf("%s\nktcp: %d bytes of output were left out here\n%s", c.head, c.lost, c.tail)
}

// rootMark stands for the source root in texts that are kept: the same build may serve several checkouts.
const rootMark = "@root@"

// pathToken is a path below the mark, up to what ends one in the output of compilers.
var pathToken = regexp.MustCompile(rootMark + `(?:/[^\s:'",()\[\]]*)?`)

// relativeSource is a line that begins with a file's relative path and a line number.
var relativeSource = regexp.MustCompile(`(?m)^(In file included from |\s+from |)([\w+./-]+\.[chS]):\d+`)

// mark replaces the path of the copy in what make said. From Linux 6.13 on, kbuild works in the module's directory,
// so that its files have no path at all.
func mark(text, copied, dir string) string {
	text = relativeSource.ReplaceAllStringFunc(text, func(start string) string {
		m := relativeSource.FindStringSubmatch(start)
		path := filepath.Join(copied, dir, m[2])
		if filepath.IsAbs(m[2]) {
			return start
		}
		if _, err := os.Stat(path); err != nil {
			return start // of the kernel
		}
		return m[1] + path + strings.TrimPrefix(start, m[1]+m[2])
	})
	return strings.ReplaceAll(text, copied, rootMark)
}

// unmark replaces the mark by the user's source: by a path relative to cwd where that is shorter.
func unmark(text, root, cwd string) string {
	return pathToken.ReplaceAllStringFunc(text, func(token string) string {
		return shorter(filepath.Join(root, strings.TrimPrefix(token, rootMark)), cwd)
	})
}

// shorter returns path, relative to cwd where that is shorter.
func shorter(path, cwd string) string {
	if rel, err := filepath.Rel(cwd, path); err == nil && len(rel) < len(path) {
		return rel
	}
	return path
}

// workingDir is the directory that relative paths are shown from, "" where it is unknown.
func workingDir() string {
	cwd, err := os.Getwd()
	if err != nil {
		return ""
	}
	return cwd
}

// noise is what every build against some packaged tree says, and what the module's author can do nothing about.
var noise = regexp.MustCompile(`(?m)^(?:` + strings.Join([]string{
	`Skipping BTF generation for .*`,
	`warning: the compiler differs from the one used to build the kernel`,
	`  The kernel was built by: .*`,
	`  You are using: .*`,
	`.*pahole: (?:command )?not found.*`,
}, "|") + `)\n?`)

func withoutNoise(text string) string { return noise.ReplaceAllString(text, "") }

var (
	warningLine = regexp.MustCompile(`: warning: |^WARNING: modpost: `)
	errorLine   = regexp.MustCompile(`: (?:fatal )?error: |^ERROR: modpost: |: undefined reference to |: error while loading shared libraries: |: cannot find `)
	giveUpLine  = regexp.MustCompile(`^(?:\S*make(?:\[\d+\])?: \*\*\* |\S+:\d+: \*\*\* )`)
)

// warnings returns the lines that are warnings of the compiler or of kbuild.
func warnings(text string) []string { return matching(text, warningLine) }

// firstError returns the line that tells best why a build failed, and how many errors there are.
func firstError(text string) (first string, count int) {
	if lines := matching(text, errorLine); len(lines) > 0 {
		return lines[0], len(lines)
	}
	if lines := matching(text, giveUpLine); len(lines) > 0 {
		return lines[0], 0
	}
	return "", 0
}

func matching(text string, pattern *regexp.Regexp) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\n"); pattern.MatchString(line) {
			lines = append(lines, line)
		}
	}
	return lines
}
