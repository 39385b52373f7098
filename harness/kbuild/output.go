package kbuild

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

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

// copyPath matches the path of a workshop's copy of the source.
var copyPath = regexp.MustCompile(`^/.*/` + workshopKind + `/[0-9a-f]+/src/`)

// Relative returns a path that a module's code printed relative to Module.Root. The compiler's sanitizers are the
// only ones that need it: they put the path of the copy into the module, whatever it is told.
func Relative(path string) string {
	return filepath.Clean(copyPath.ReplaceAllString(path, ""))
}
