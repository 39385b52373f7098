package subject

import (
	"fmt"
	"slices"
	"strings"

	"ktcp/harness/handover"
)

// Variable is the variable that names the file with the [Stranger] that a process is to judge.
const Variable = "KTCP_SUBJECT"

// RootParameter is the parameter by which scenarios name the directory to be served, as the reference module spells it.
const RootParameter = "WWWROOT"

// Stranger is a module that is not of this tree.
type Stranger struct {
	Dir    string   `json:"dir"`              // with its Makefile or Kbuild, absolute
	Root   string   `json:"root,omitempty"`   // what is copied for a build: Dir, or a directory above it; "" is Dir
	Module string   `json:"module,omitempty"` // as the kernel spells it; "" is the only one that Dir makes
	Role   Role     `json:"role"`
	Params []string `json:"params,omitempty"` // for every insmod, as "port=80"
	// Port is where it listens unless a parameter "port" says otherwise; 0 is wherever it is found to listen.
	Port int `json:"port,omitempty"`
	// RootParam is what it calls [RootParameter]; "" is the same.
	RootParam string    `json:"root_param,omitempty"`
	Claims    []Feature `json:"claims,omitempty"` // beside parameters, which its .ko tells
}

// Validate reports what is missing or malformed in s.
func (s *Stranger) Validate() error {
	if s.Dir == "" {
		return fmt.Errorf("a module without a directory")
	}
	if s.Role.Reference() == "" {
		return fmt.Errorf("%s: unknown role %q", s.Dir, s.Role)
	}
	if s.Port < 0 || s.Port > 65535 {
		return fmt.Errorf("%s: port %d: want 1 to 65535", s.Dir, s.Port)
	}
	for _, p := range s.Params {
		if name, _, ok := strings.Cut(p, "="); !ok || name == "" || strings.ContainsAny(p, " \t\n") {
			return fmt.Errorf("%s: parameter %q: want NAME=VALUE without spaces", s.Dir, p)
		}
	}
	return nil
}

// Write writes s where [FromEnvironment] finds it.
func (s *Stranger) Write(file string) error {
	return handover.Write(file, s)
}

// FromEnvironment returns the stranger that this process is to judge, or nil where it judges the modules of this tree.
func FromEnvironment() (*Stranger, error) {
	var s Stranger
	if found, err := handover.FromEnvironment(Variable, &s); !found {
		return nil, err
	}
	return &s, nil
}

// Insmod returns the parameters with which the stranger is loaded when a scenario asks for these: in its own words, and the user's
// own first, so that the scenario's count.
func (s *Stranger) Insmod(asked []string) []string {
	var params []string
	for _, p := range asked {
		if value, ok := strings.CutPrefix(p, RootParameter+"="); ok && s.RootParam != "" {
			p = s.RootParam + "=" + value
		}
		params = append(params, p)
	}
	var all []string
	for _, p := range s.Params {
		name, _, _ := strings.Cut(p, "=")
		if !slices.ContainsFunc(params, func(q string) bool { return strings.HasPrefix(q, name+"=") }) {
			all = append(all, p)
		}
	}
	return append(all, params...)
}

// Offers reports whether the stranger, which has these parameters, claims a feature.
func (s *Stranger) Offers(f Feature, parameters []string) bool {
	if name, ok := f.parameter(); ok {
		if name == RootParameter && s.RootParam != "" {
			name = s.RootParam
		}
		return slices.Contains(parameters, name)
	}
	return slices.Contains(s.Claims, f)
}
