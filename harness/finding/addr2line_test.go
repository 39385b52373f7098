package finding

import (
	"bufio"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every byte of code resolves as binutils resolves it.
func TestSymbolizerAgreesWithAddr2line(t *testing.T) {
	if _, err := exec.LookPath("addr2line"); err != nil {
		t.Fatal("addr2line is not installed: run make setup")
	}
	o := buildObject(t)
	s := newSymbolizer(t, o)
	for _, sec := range s.sections {
		if !sec.executable {
			continue
		}
		compareAddr2line(t, s, o.path, sec)
	}
}

// compareAddr2line compares both answers for every offset in a section that is in a function.
func compareAddr2line(t *testing.T, s *Symbolizer, ko string, sec section) {
	t.Helper()
	var args []string
	var offsets []uint64
	for off := range sec.size {
		if sym, ok := s.symbolAt(sec.index, off); ok && off < sym.value+sym.size {
			offsets = append(offsets, off)
			args = append(args, fmt.Sprintf("%#x", off))
		}
	}
	if len(offsets) == 0 {
		t.Fatalf("no code in %s", sec.name)
	}
	cmd := exec.Command("addr2line", append([]string{"-a", "-i", "-f", "-j", sec.name, "-e", ko}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("addr2line: %v", err)
	}
	answers := parseAddr2line(string(out))
	for _, off := range offsets {
		var got []string
		for _, c := range s.lines(sec.index, off) {
			got = append(got, fmt.Sprintf("%s %s:%d", c.fn, filepath.Base(c.file), c.line))
		}
		if diff := cmp.Diff(answers[off], got); diff != "" {
			t.Errorf("%s+%#x (-addr2line +got):\n%s", sec.name, off, diff)
		}
	}
}

// parseAddr2line reads the output of addr2line -a -i -f: an address, then pairs of function and line.
func parseAddr2line(out string) map[uint64][]string {
	answers := map[uint64][]string{}
	var addr uint64
	sc := bufio.NewScanner(strings.NewReader(out))
	for sc.Scan() {
		if v, err := strconv.ParseUint(sc.Text(), 0, 64); err == nil {
			addr = v
			continue
		}
		fn := sc.Text()
		if !sc.Scan() {
			break
		}
		place, _, _ := strings.Cut(sc.Text(), " (discriminator")
		answers[addr] = append(answers[addr], fn+" "+filepath.Base(place))
	}
	return answers
}
