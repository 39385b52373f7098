package finding

import (
	"fmt"
	"strings"
	"syscall"
	"time"

	"ktcp/guest/wire"
)

// Rmmod returns the finding that a module did not unload before the deadline: who holds it, or where its exit waits, and who is in its
// code meanwhile, whom it must be waiting for. It returns nothing when it did.
func Rmmod(module string, answer wire.RmmodAnswer, deadline time.Duration) []Finding {
	if answer.Done {
		return nil
	}
	class := "stuck"
	title := fmt.Sprintf("rmmod did not return within %v", deadline)
	if answer.Errno != 0 {
		class = "refused"
		title = fmt.Sprintf("rmmod was refused: %v", syscall.Errno(answer.Errno))
	}
	if answer.Refcount > 0 {
		title += fmt.Sprintf(", refcount %d", answer.Refcount)
	}
	if len(answer.Holders) > 0 {
		title += ", held by " + list(answer.Holders)
	}
	f := New(NotUnloaded, OracleRmmod, module, title)
	f.Class = class
	f.Stack = textFramesOf(answer.Stack)
	if in := waitsIn(f.Stack); class == "stuck" && in != "" {
		f.Title += ", it waits in " + in
	}
	f.Related = Waiting(answer.Inside)
	if names := insiders(answer.Inside); class == "stuck" && len(names) > 0 {
		f.Title += " while " + some(names) + " in its code"
	}
	if s := strings.TrimRight(answer.Stack, "\n"); s != "" {
		f.Excerpt = strings.Split(s, "\n")
	}
	_, f.Location = blame(&f)
	f.Fingerprint = Fingerprint(f)
	return []Finding{f}
}

// insiders names the tasks that have a frame in a module.
func insiders(threads []wire.Thread) (names []string) {
	for _, t := range threads {
		if inModule(textFramesOf(t.Stack)) {
			names = append(names, t.Comm)
		}
	}
	return names
}

// some names the first of several: "a is", "a and 2 more are".
func some(names []string) string {
	if len(names) == 1 {
		return names[0] + " is"
	}
	return fmt.Sprintf("%s and %d more are", names[0], len(names)-1)
}

// waitsIn returns the function that a stack waits in: the first that says what for.
func waitsIn(stack []Frame) string {
	for _, f := range stack {
		if f.Func != "" && !f.Unreliable && !waiting.MatchString(plainName(f.Func)) {
			return plainName(f.Func)
		}
	}
	return ""
}

// Reinserted is the finding that a module could not be loaded again with the same parameters right after it was unloaded.
func Reinserted(module, params string, err error) Finding {
	what := strings.TrimSpace("insmod " + module + " " + params)
	return New(NotReloaded, OracleRmmod, module, fmt.Sprintf("%s after rmmod: %v", what, err))
}
