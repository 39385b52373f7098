package fuzz

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
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

// corpus returns the files of the corpus.
func corpus(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/corpus/*")
	if err != nil || len(files) < 50 {
		t.Fatalf("the corpus has %d inputs: %v", len(files), err)
	}
	return files
}

// replay runs inputs through the program.
func replay(program string, inputs []string) (said string, err error) {
	out, err := exec.Command(program, inputs...).CombinedOutput()
	return string(out), err
}

func TestReplay(t *testing.T) {
	if said, err := replay(build(t, module), corpus(t)); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
}

// seedVariable gives the seed of an earlier run again.
const seedVariable = "SEED"

// A short run of inputs that nobody has thought of: those of the corpus, changed at random. make fuzz has libFuzzer look for more.
func TestReplayChanged(t *testing.T) {
	const inputs = 2000
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s=%s: want a number", seedVariable, text)
		}
	}
	t.Logf("%s=%d gives the same inputs again", seedVariable, seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var known [][]byte
	for _, file := range corpus(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		known = append(known, text)
	}
	dir := t.TempDir()
	var files []string
	for i := range inputs {
		file := filepath.Join(dir, strconv.Itoa(i))
		if err := os.WriteFile(file, change(r, known), 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	if said, err := replay(build(t, module), files); err != nil {
		t.Fatalf("%s=%d: %v\n%s", seedVariable, seed, err, said)
	}
}

// change returns one of the inputs with up to eight changes: a bit that is turned, bytes that are taken out, come twice or come from
// another input, a byte that means something to HTTP.
func change(r *rand.Rand, known [][]byte) []byte {
	text := slices.Clone(known[r.IntN(len(known))])
	for range 1 + r.IntN(8) {
		if len(text) == 0 {
			return text
		}
		at := r.IntN(len(text))
		end := min(len(text), at+1+r.IntN(32))
		switch r.IntN(5) {
		case 0:
			text[at] ^= 1 << r.IntN(8)
		case 1:
			text = slices.Delete(text, at, end)
		case 2:
			text = slices.Insert(text, at, slices.Clone(text[at:end])...)
		case 3:
			other := known[r.IntN(len(known))]
			if len(other) > 0 {
				from := r.IntN(len(other))
				text = slices.Insert(text, at, other[from:min(len(other), from+1+r.IntN(64))]...)
			}
		case 4:
			const meaningful = "\r\n\t :;,=%/.-\"\x00\x7f\xff0189"
			text[at] = meaningful[r.IntN(len(meaningful))]
		}
	}
	return text
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
			said, err := replay(build(t, dir), corpus(t))
			if err == nil || !strings.Contains(said, bug.want) {
				t.Errorf("the replay says %v, want it to fail and to say %q:\n%s", err, bug.want, said)
			}
		})
	}
}
