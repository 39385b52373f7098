package finding

import (
	"regexp"
	"slices"
	"strings"
)

// Limits of what [Text] shows of a finding. Everything is in findings.json.
const (
	textLines  = 6 // of the excerpt
	textFrames = 8 // of the stack
)

// Heading returns the finding in one line: kind, module, location and title, as far as they are known.
//
//	leak  kweb  core/conn.c:87 in ktcp_conn_alloc  3 objects, 768 bytes of ktcp_conn never freed
func Heading(f Finding) string {
	parts := []string{string(f.Kind)}
	for _, p := range []string{f.Module, f.Location.String(), f.Title} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	s := strings.Join(parts, "  ")
	if f.Count > 1 && f.Kind != Leak {
		s += "  (" + times(f.Count) + ")"
	}
	return s
}

// Text returns the finding for a person: its heading and, indented, the lines of the excerpt and the frames of the
// stack that help. It ends in a newline.
func Text(f Finding) string {
	var b strings.Builder
	b.WriteString(Heading(f) + "\n")
	for _, l := range usefulLines(f) {
		b.WriteString("    " + l + "\n")
	}
	for _, l := range stackLines(f.Stack) {
		b.WriteString("      " + l + "\n")
	}
	for _, t := range f.Related {
		if t.Title == "" || len(t.Frames) == 0 {
			continue
		}
		b.WriteString("    " + t.Title + "\n")
		for _, l := range stackLines(t.Frames) {
			b.WriteString("      " + l + "\n")
		}
	}
	return b.String()
}

// dull matches lines of a report that say nothing to somebody who reads only its beginning: registers, code bytes, lists of
// modules, frames (they are shown from the stack) and decoration.
var dull = regexp.MustCompile(`^\s*(?:` +
	`[=\-*_ ]+(?:\[ cut here \][\- ]*)?$|---\[ end .*|` +
	`(?:R[A-Z0-9]{2}|ORIG_RAX|EFLAGS|[CDEFG]S|CR\d|DR\d|PKRU|RSP|RIP): .*|FS: .*|Code: .*|Modules linked in:.*|Hardware name:.*|` +
	`(?:NMI )?Call Trace:.*|</?(?:TASK|IRQ|NMI|SOFTIRQ)>|PGD .*|Kernel Offset: .*|"echo 0 > .*|Tainted: .*|CPU: \d+ .*|` +
	`Sched_clock|Preempt.*|irq event stamp.*|hardirqs last.*|softirqs last.*|raw: .*|page dumped because.*|` +
	`\$?[0-9a-f]{16}: .*|>?[0-9a-f]{16}: .*|[> ]*\^.*|` + `)\s*$`)

// usefulLines returns the part of the excerpt that is shown.
func usefulLines(f Finding) []string {
	var lines []string
	left := 0
	for _, l := range f.Excerpt {
		l = strings.TrimRight(l, " \t\r")
		switch {
		case l == "" || l == f.Title || dull.MatchString(l) || isFrame(l):
		case len(lines) == textLines:
			left++
		default:
			lines = append(lines, l)
		}
	}
	if left > 0 {
		lines = append(lines, "... "+plural(left, "more line"))
	}
	return lines
}

// isFrame reports whether a line shows a frame of a stack.
func isFrame(line string) bool {
	_, ok := parseFrame(line)
	return ok
}

// stackLines returns the frames that are shown: no guesses of the unwinder, not the way into the kernel, and of a long way from
// the module to where it ended in the kernel only both ends.
func stackLines(stack []Frame) []string {
	var shown []Frame
	for _, f := range stack {
		if !f.Unreliable && (f.Module != "" || f.Func == "" || !generic.MatchString(plainName(f.Func))) {
			shown = append(shown, f)
		}
	}
	own := slices.IndexFunc(shown, func(f Frame) bool { return f.Module != "" })
	var lines []string
	for i, f := range shown {
		switch {
		case len(lines) == textFrames:
			return append(lines, "...")
		case i < own && i > 0 && i < own-1:
			if i == 1 {
				lines = append(lines, "...")
			}
		default:
			lines = append(lines, f.String())
		}
	}
	return lines
}
