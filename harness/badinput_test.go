package harness

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ktcp/harness/finding"
)

// wantFailure fails the test unless exactly this story was refused, with all of these words in one of the failures.
func wantFailure(t *testing.T, got Testimony, words ...string) {
	t.Helper()
	for _, failure := range got.Failures {
		all := true
		for _, w := range words {
			all = all && strings.Contains(failure, w)
		}
		if all {
			return
		}
	}
	t.Errorf("want a failure that says %q, got:\n%v", words, got)
}

func wantFinding(t *testing.T, got Testimony, kind finding.Kind) {
	t.Helper()
	for _, f := range got.Findings {
		if f.Kind == kind {
			return
		}
	}
	t.Errorf("want a finding of kind %s, got:\n%v", kind, got)
}

func TestInsmodRefusedShowsTheKernelsWords(t *testing.T) {
	got := Witness(t, func(tb testing.TB) { Clone(tb).Insmod("kweb", "port=0") })
	wantFailure(t, got, "insmod kweb port=0: ", "invalid argument", "the kernel said:", "kweb: port=0: expected a number")
}

func TestInsmodUnknownParameter(t *testing.T) {
	got := Witness(t, func(tb testing.TB) { Clone(tb).Insmod("kweb", "prot=80") })
	wantFailure(t, got, `kweb has no parameter "prot" (it has: backlog, host, max_conns, port, timeout_ms)`)
}

func TestInsmodThatDoesNotCompile(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Kbuild": "obj-m := broken.o\n",
		"broken.c": "#include <linux/module.h>\nMODULE_LICENSE(\"GPL\");\n" +
			"static int __init broken_init(void)\n{\n\treturn no_such_thing;\n}\nmodule_init(broken_init);\n",
	} {
		if err := os.MkdirAll(filepath.Join(dir, "broken"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "broken", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got := Witness(t, func(tb testing.TB) { Clone(tb, Sources(dir)).Insmod("broken") })
	wantFailure(t, got, filepath.Join(dir, "broken", "broken.c")+":5:", "no_such_thing")
}

func TestInsmodNoSuchModule(t *testing.T) {
	got := Witness(t, func(tb testing.TB) { Clone(tb).Insmod("kwep") })
	wantFailure(t, got, "build kwep", "kwep")
}

func TestGuestThatPanics(t *testing.T) {
	got := Witness(t, func(tb testing.TB) {
		g := Clone(tb)
		g.Insmod("kweb")
		g.Init().WriteFile("/proc/sysrq-trigger", "c")
	})
	wantFinding(t, got, finding.GuestDied)
	for _, f := range got.Findings {
		if strings.Contains(strings.Join(f.Excerpt, "\n"), "sysrq triggered crash") || strings.Contains(f.Title, "sysrq") {
			return
		}
	}
	t.Errorf("want the panic itself among the findings, got:\n%v", got)
}
