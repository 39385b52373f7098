package vet

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ktcp/harness/report"
)

// Nothing that a directory can be keeps the others from being judged.
func TestOneBadDirectoryDoesNotStopTheNext(t *testing.T) {
	root := t.TempDir()
	put := func(dir, name, text string) string {
		path := filepath.Join(root, dir)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if name == "" {
			return path
		}
		if err := os.WriteFile(filepath.Join(path, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const module = "#include <linux/module.h>\nMODULE_LICENSE(\"GPL\");\n%s\n" +
		"static int __init m_init(void)\n{\n\t%s\n}\nmodule_init(m_init);\nstatic void __exit m_exit(void)\n{\n}\nmodule_exit(m_exit);\n"
	broken := put("broken", "Makefile", "obj-m := m.o\n")
	put("broken", "m.c", fmt.Sprintf(module, "", "return no_such_thing;"))
	two := put("two", "Makefile", "obj-m := m.o other.o\n")
	put("two", "m.c", fmt.Sprintf(module, "", "return 0;"))
	put("two", "other.c", fmt.Sprintf(module, "", "return 0;"))
	idle := put("idle", "Kbuild", "obj-m := m.o\n")
	put("idle", "m.c", fmt.Sprintf(module, "#include <linux/net.h>\nvoid *listens = kernel_listen;", "return 0;"))
	unknown := put("unknown", "Kbuild", "obj-m := m.o\nKBUILD_MODPOST_WARN := 1\n")
	put("unknown", "m.c", fmt.Sprintf(module, "#include <linux/net.h>\nint no_such_symbol(void);\nvoid *accepts = kernel_accept;", "return no_such_symbol();"))

	cases := []struct{ dir, want string }{
		{filepath.Join(root, "nowhere"), "there is no directory"},
		{put("empty", "", ""), "has neither a Kbuild nor a Makefile"},
		{put("file", "x", ""), "has neither a Kbuild nor a Makefile"},
		{filepath.Join(root, "file", "x"), "is no directory"},
		{put("nothing", "Makefile", "all:\n\ttrue\n"), "makes no .ko"},
		{broken, "no_such_thing"},
		{two, "choose one with --module"},
		{put("mute", "Kbuild", "obj-m := m.o\n"), "m.o"},
		{unknown, "no_such_symbol"},
		{idle, "listens on no port"},
		{filepath.Join("..", "..", "module", "kweb"), ""},
	}
	var dirs []string
	for _, c := range cases {
		dirs = append(dirs, c.dir)
	}
	r, code := run(t, Spec{Dirs: dirs, Match: "^TestRoleAnswers$", NoCanaries: true})
	if len(r.Modules) != len(cases) || code != report.ExitInvalid {
		t.Fatalf("exit code %d: %+v", code, r)
	}
	for i, c := range cases {
		m := r.Modules[i]
		want := report.Error
		if c.want == "" {
			want = report.Pass
		}
		if all := m.Error + m.Detail; m.Verdict != want || !strings.Contains(all, c.want) {
			t.Errorf("%s: %s, %q; want %s and %q", c.dir, m.Verdict, all, want, c.want)
		}
		if strings.Contains(m.Error, "\n") {
			t.Errorf("%s: more than a line: %q", c.dir, m.Error)
		}
	}
}
