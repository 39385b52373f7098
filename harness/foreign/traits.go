package foreign

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ktcp/harness/subject"
)

// traits are what a .ko tells about itself.
type traits struct {
	Name       string
	parameters []string
	serves     bool // it calls what servers call
	http       bool // it has a status line of HTTP in it
	status     bool // it has the names of the file that switches it on
	keepAlive  bool // it has the header of an answer after which a connection goes on
}

// What only servers call.
var serverCalls = []string{"kernel_listen", "kernel_accept", "inet_listen", "inet_csk_accept", "kernel_bind"}

// readTraits reads a module.
func readTraits(name, ko string) (traits, error) {
	t := traits{Name: name}
	f, err := elf.Open(ko)
	if err != nil {
		return t, fmt.Errorf("read %s: %w", ko, err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return t, fmt.Errorf("read %s: %w", ko, err)
	}
	for _, s := range symbols {
		t.serves = t.serves || s.Section == elf.SHN_UNDEF && slices.Contains(serverCalls, s.Name)
	}
	var text []byte
	for _, s := range f.Sections {
		if s.Type == elf.SHT_NOBITS || !strings.HasPrefix(s.Name, ".rodata") && !strings.HasPrefix(s.Name, ".data") && s.Name != ".modinfo" {
			continue
		}
		data, err := s.Data()
		if err != nil {
			return t, fmt.Errorf("read %s: %w", ko, err)
		}
		text = append(append(text, data...), 0)
	}
	t.http = bytes.Contains(text, []byte("HTTP/1."))
	t.status = bytes.Contains(text, []byte("webserver\x00")) && bytes.Contains(text, []byte("status\x00"))
	t.keepAlive = bytes.Contains(bytes.ToLower(text), []byte("connection: keep-alive"))
	for entry := range bytes.SplitSeq(text, []byte{0}) {
		if value, ok := bytes.CutPrefix(entry, []byte("parmtype=")); ok {
			parameter, _, _ := strings.Cut(string(value), ":")
			t.parameters = append(t.parameters, parameter)
		}
	}
	slices.Sort(t.parameters)
	return t, nil
}

// role returns the role that a module plays and what tells so; "" for one that plays none.
func (t traits) role() (role subject.Role, why string) {
	switch {
	case t.status:
		return subject.Web, "it has /sys/kernel/webserver with a status"
	case t.http && t.serves:
		return subject.HTTP, "it listens and speaks HTTP"
	case t.serves:
		return subject.Echo, "it listens and has no HTTP in it"
	}
	return "", "it calls nothing that a TCP server calls"
}

// claims returns the features that the module itself says it has.
func (t traits) claims() (claims []subject.Feature) {
	if t.keepAlive {
		claims = append(claims, subject.KeepAlive)
	}
	return claims
}

// rootParameter guesses the parameter that names a directory to be served.
func (t traits) rootParameter() string {
	for _, p := range t.parameters {
		if slices.Contains([]string{"wwwroot", "root", "docroot", "document_root", "www_root", "root_dir"}, strings.ToLower(p)) {
			return p
		}
	}
	return ""
}

// choose picks the module to judge among those that a directory makes: the one for the role that is wanted, the one that is called
// like that role's own, the only one that plays any.
func choose(all []traits, want subject.Role) (traits, error) {
	var players, named []traits
	var names []string
	for _, t := range all {
		names = append(names, t.Name)
		role, _ := t.role()
		if role == "" || want != "" && role != want {
			continue
		}
		players = append(players, t)
		if t.Name == role.Reference() {
			named = append(named, t)
		}
	}
	switch {
	case len(all) == 1:
		return all[0], nil
	case len(players) == 1:
		return players[0], nil
	case len(named) == 1:
		return named[0], nil
	}
	return traits{}, fmt.Errorf("it makes several modules, %s: choose one with --module", strings.Join(names, ", "))
}
