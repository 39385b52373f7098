package subject

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseRole(t *testing.T) {
	for name, want := range map[string]Role{"echo": Echo, "kecho": Echo, "khttpd": HTTP, "http": HTTP, "kweb": Web, "web": Web} {
		if got, err := ParseRole(name); got != want || err != nil {
			t.Errorf("ParseRole(%q) = %q, %v", name, got, err)
		}
	}
	const want = `no role is called "ftp": want one of kecho, echo, khttpd, http, kweb, web`
	if _, err := ParseRole("ftp"); err == nil || err.Error() != want {
		t.Errorf("ParseRole(ftp): %v, want %s", err, want)
	}
}

func TestStrangerSpeaksItsOwnWords(t *testing.T) {
	s := Stranger{Params: []string{"debug=1", "port=80"}, RootParam: "docroot"}
	got := s.Insmod([]string{"port=8080", "WWWROOT=/www"})
	if diff := cmp.Diff([]string{"debug=1", "port=8080", "docroot=/www"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestStrangerOffers(t *testing.T) {
	s := Stranger{RootParam: "docroot", Claims: []Feature{Head}}
	has := []string{"docroot", "port"}
	for f, want := range map[Feature]bool{
		Head: true, Pipelining: false, Parameter("port"): true, Parameter("backlog"): false, Parameter(RootParameter): true,
	} {
		if got := s.Offers(f, has); got != want {
			t.Errorf("Offers(%s) = %v", f, got)
		}
	}
}

func TestFromEnvironment(t *testing.T) {
	t.Setenv(Variable, "")
	if got, err := FromEnvironment(); got != nil || err != nil {
		t.Errorf("without the variable: %v, %v", got, err)
	}
	file := filepath.Join(t.TempDir(), "subject.json")
	t.Setenv(Variable, file)
	if _, err := FromEnvironment(); err == nil {
		t.Error("a file that is not there is no error")
	}
	want := &Stranger{Dir: "/home/x/khttpd", Module: "khttpd", Role: HTTP, Port: 80, Claims: []Feature{Head}}
	if err := want.Write(file); err != nil {
		t.Fatal(err)
	}
	got, err := FromEnvironment()
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, text := range []string{"{", `{"dir":"x","role":"ftp"}`, `{"role":"http"}`, `{"dir":"x","role":"http","port":70000}`, `{"dir":"x","role":"http","params":["a b=c"]}`} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := FromEnvironment(); err == nil {
			t.Errorf("%s is no error", text)
		}
	}
}

func TestListening(t *testing.T) {
	const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:1F91 0100007F:8DE4 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 20 4 30 10 -1
   2: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3 1 0 100 0 0 10 0
`
	if diff := cmp.Diff([]int{22, 8081}, Listening(text)); diff != "" {
		t.Error(diff)
	}
}
