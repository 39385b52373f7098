package check

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ktcp/harness/report"
)

// remember has the fake go write down what it was asked to run, on which flavor, and leave a record.
const remember = pass + `echo "$FLAVOR $*" | sed 's/ tool gotestsum .*-run / /' >>asked
`

func TestRunOnEachFlavor(t *testing.T) {
	root := fakeGo(t, remember)
	var built []string
	code, err := Run(t.Context(), Spec{Root: root, Match: "Netns", Flavors: "stock kasan", Kernel: "6.12", Out: new(strings.Builder),
		Provision: func(_ context.Context, want, flavor string) error {
			built = append(built, want+" "+flavor)
			return nil
		}})
	if err != nil || code != report.ExitClean {
		t.Errorf("exit code %d, %v", code, err)
	}
	asked, err := os.ReadFile(filepath.Join(root, "asked"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "stock ^TestCanary$ ./scenarios\nstock Netns -skip ^TestCanary$ ./scenarios\n" +
		"kasan ^TestCanary$ ./scenarios\nkasan Netns -skip ^TestCanary$ ./scenarios\n"
	if diff := cmp.Diff(want, string(asked)); diff != "" {
		t.Errorf("what was run (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"6.12 kasan"}, built); diff != "" {
		t.Errorf("kernels (-want +got):\n%s", diff)
	}
}

// A run of everything judges the modules. Mutants judge the scenarios, and are not in it.
func TestRunOfAllLeavesMutantsOut(t *testing.T) {
	root := fakeGo(t, remember)
	for _, match := range []string{"", "."} {
		if _, err := Run(t.Context(), Spec{Root: root, Match: match, Flavors: "stock", Out: new(strings.Builder)}); err != nil {
			t.Fatal(err)
		}
	}
	asked, err := os.ReadFile(filepath.Join(root, "asked"))
	if err != nil {
		t.Fatal(err)
	}
	const each = "stock ^TestCanary$ ./scenarios\nstock . -skip ^TestCanary$|^TestMutants ./scenarios\n"
	if diff := cmp.Diff(each+each, string(asked)); diff != "" {
		t.Errorf("what was run (-want +got):\n%s", diff)
	}
}

// found is a record with a finding, which alone makes the exit code 1.
const found = `x="$KTCP_RUN/scenarios/TestX$(ls "$KTCP_RUN/scenarios" | wc -l)"
mkdir "$x"
echo '{"name":"TestX","verdict":"FAIL","findings":[{"kind":"leak","oracle":"ledger","module":"kweb","title":"3 objects never freed"}]}' >"$x/record.json"
`

// A flavor that could not be run might have found something else: the run is invalid, and what others have found is shown.
func TestRunWithoutAFlavorIsInvalid(t *testing.T) {
	noKernel := func(context.Context, string, string) error { return errors.New("no flex") }
	kernel := func(context.Context, string, string) error { return nil }
	const noTests = `test $FLAVOR = stock || exit 1
`
	for _, tt := range []struct {
		name, script string
		provision    func(context.Context, string, string) error
		code         int
		says         []string
	}{
		{"no kernel", pass, noKernel, report.ExitInvalid, []string{"flavor kasan was not run: its kernel: no flex"}},
		{"no kernel, and a finding", found + "exit 1\n", noKernel, report.ExitInvalid,
			[]string{"flavor kasan was not run: its kernel: no flex", "3 objects never freed"}},
		{"no tests, and a finding", noTests + found + "exit 0\n", kernel, report.ExitInvalid,
			[]string{"flavor kasan was not run: go test -run '^TestCanary$': exit status 1", "3 objects never freed"}},
		{"both, and a finding", found + "exit 1\n", kernel, report.ExitFindings, []string{"3 objects never freed"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := fakeGo(t, tt.script)
			var out strings.Builder
			code, err := Run(t.Context(), Spec{Root: root, Flavors: "stock kasan", Out: &out, Provision: tt.provision})
			if err != nil || code != tt.code {
				t.Errorf("exit code %d, %v, want %d:\n%s", code, err, tt.code, out.String())
			}
			for _, want := range tt.says {
				if !strings.Contains(out.String(), want) {
					t.Errorf("it does not say %q:\n%s", want, out.String())
				}
			}
			if strings.Contains(out.String(), "flavor stock was not run") {
				t.Errorf("it says that stock was not run:\n%s", out.String())
			}
		})
	}
}

func TestCanariesDecide(t *testing.T) {
	for _, tt := range []struct {
		name, record string
		code         int
		says         string
	}{
		{"missed", `{"name":"TestCanary/uaf","verdict":"FAIL","canaries":1,"messages":["uaf, which kernel-log calls kasan"]}`,
			report.ExitInvalid, "a detector missed its canary: TestCanary/uaf: uaf, which kernel-log calls kasan"},
		{"seen", `{"name":"TestCanary/uaf","verdict":"pass","canaries":1,"guests":[{"kernel":"6.1","flavor":"kasan"}]}`,
			report.ExitClean, "canaries  seen: 1 on kasan"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := fakeGo(t, pass+`mkdir -p "$KTCP_RUN/scenarios/TestCanary"
echo '`+tt.record+`' >"$KTCP_RUN/scenarios/TestCanary/record.json"
`)
			var out strings.Builder
			code, err := Run(t.Context(), Spec{Root: root, Flavors: "stock", Out: &out})
			if err != nil || code != tt.code || !strings.Contains(out.String(), tt.says) {
				t.Errorf("exit code %d, %v, want %d and %q:\n%s", code, err, tt.code, tt.says, out.String())
			}
		})
	}
}

func TestOnlyCanariesIsInvalid(t *testing.T) {
	root := fakeGo(t, `mkdir -p "$KTCP_RUN/scenarios/TestCanary"
echo '{"name":"TestCanary/uaf","verdict":"pass","canaries":1}' >"$KTCP_RUN/scenarios/TestCanary/record.json"
`)
	var out strings.Builder
	code, err := Run(t.Context(), Spec{Root: root, Match: "NoSuch", Flavors: "stock", Out: &out})
	if err != nil || code != report.ExitInvalid || !strings.Contains(out.String(), "no scenario matches RUN=NoSuch") {
		t.Errorf("exit code %d, %v:\n%s", code, err, out.String())
	}
}
