package fuzz

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "../module/khttpd"

// sources are the files of the module that need no kernel, and what replays the corpus through them.
var sources = []string{"parser.c", "head.c", "field.c", "body.c", "path.c", "date.c", "range.c"}

// build compiles the sources, taken from a directory, and returns the program.
func build(t *testing.T, dir string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "replay")
	args := []string{
		"-O1", "-g", "-std=gnu11", "-Wall", "-Wextra", "-Werror",
		"-fsanitize=address,undefined", "-fno-sanitize-recover=all",
		"-Ihttp/shim", "-Ihttp", "-I" + dir, "-o", program, "http/check.c", "http/replay.c",
	}
	for _, s := range sources {
		args = append(args, filepath.Join(dir, s))
	}
	if out, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	return program
}

// replay runs the corpus through the program.
func replay(t *testing.T, program string) (said string, err error) {
	t.Helper()
	corpus, err := filepath.Glob("testdata/corpus/*")
	if err != nil || len(corpus) < 50 {
		t.Fatalf("the corpus has %d inputs: %v", len(corpus), err)
	}
	out, err := exec.Command(program, corpus...).CombinedOutput()
	return string(out), err
}

func TestReplay(t *testing.T) {
	if said, err := replay(t, build(t, module)); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
}

// What proves the replay: bugs of the kinds that it is there for. Each changes one place of one source.
var seededBugs = map[string]struct{ file, old, bug, want string }{
	"reads beyond the end": {"head.c", "for (; i + 8 <= len; i += 8)", "for (; i < len; i += 8)", "AddressSanitizer"},
	"takes what is next":   {"parser.c", "return req->pos - before;", "return len;", "in one piece"},
	"depends on a cut":     {"head.c", "break; /* looked at again with what follows */", "return http_bad(req, 400);", "in one piece"},
	"leaks the copy":       {"parser.c", "kfree(req->copy);", ";", "LeakSanitizer"},
	"leaves the root":      {"path.c", "if (!from)", "if (0)", "AddressSanitizer"},
	"range beyond the end": {"range.c", "if (*first >= size)", "if (*first > size)", "does not hold"},
}

func TestReplayNotices(t *testing.T) {
	for name, bug := range seededBugs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(module)); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, bug.file)
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			changed := strings.Replace(string(text), bug.old, bug.bug, 1)
			if changed == string(text) {
				t.Fatalf("%s has no %q any more", bug.file, bug.old)
			}
			if err := os.WriteFile(file, []byte(changed), 0o644); err != nil {
				t.Fatal(err)
			}
			said, err := replay(t, build(t, dir))
			if err == nil || !strings.Contains(said, bug.want) {
				t.Errorf("the replay says %v, want it to fail and to say %q:\n%s", err, bug.want, said)
			}
		})
	}
}
