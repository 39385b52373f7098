package vet

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"ktcp/harness/kernel"
	"ktcp/harness/subject"
)

// Spec says who is judged, as what, and where the words go.
type Spec struct {
	Root      string       // the project's directory
	Dirs      []string     // with a module each
	As        subject.Role // "" is told by each module itself
	Module    string       // which one, where a directory makes several
	Params    []string     // for every insmod, as "port=80"
	Port      int          // where the module listens; 0 is its role's port, or wherever it is found to listen
	RootParam string       // what it calls WWWROOT
	Claims    []subject.Feature
	Match     string // of the scenarios that apply, those that match this regular expression; "" for all
	// Kernel is what the user asked for with KERNEL=, and Flavors are its flavors on which each module is judged, separated by blanks,
	// or "all"; "" is [kernel.DefaultFlavors].
	Kernel, Flavors string
	// NoCanaries leaves out to prove first that the detectors are awake.
	NoCanaries bool
	JSON       bool
	Command    string    // what the user typed
	Out        io.Writer // the report
	Progress   io.Writer // lines about what takes time
}

// Validate reports what is missing or malformed in s.
func (s Spec) Validate() error {
	if len(s.Dirs) == 0 {
		return errors.New("name the directory of a module, as ~/my-khttpd")
	}
	if s.Module != "" && len(s.Dirs) > 1 {
		return errors.New("--module is for one directory")
	}
	if _, err := regexp.Compile(s.Match); err != nil {
		return fmt.Errorf("--run: %w", err)
	}
	if _, _, err := kernel.ChooseFlavors(s.Flavors, s.Kernel); err != nil {
		return err
	}
	for _, f := range s.Claims {
		if !slices.Contains(subject.Features, f) {
			var names []string
			for _, f := range subject.Features {
				names = append(names, string(f))
			}
			return fmt.Errorf("--claim %s: want one of %s", f, strings.Join(names, ", "))
		}
	}
	probe := subject.Stranger{Dir: "vet", Role: subject.Echo, Port: s.Port, Params: s.Params}
	return probe.Validate()
}

// again returns the command that judges the module of a directory as this run did: on the flavors, with the variables in its environment, by
// the scenarios that match, or all.
func (s Spec) again(role subject.Role, dir, match string, flavors, variables []string) string {
	var command string
	for _, v := range variables {
		command += assignment(v) + " "
	}
	if s.Kernel != "" {
		command += assignment("KERNEL="+s.Kernel) + " "
	}
	command += "go run . vet --flavors " + shellescape.Quote(strings.Join(flavors, " ")) + s.flags(role)
	if match != "" {
		command += " --run " + shellescape.Quote(match)
	}
	return command + " " + shellescape.Quote(dir)
}

// assignment returns NAME=value as a shell takes it.
func assignment(variable string) string {
	name, value, _ := strings.Cut(variable, "=")
	return name + "=" + shellescape.Quote(value)
}

// flags returns the options that say what the module is.
func (s Spec) flags(role subject.Role) string {
	flags := " --as " + string(role)
	if s.Module != "" {
		flags += " --module " + s.Module
	}
	for _, p := range s.Params {
		flags += " --param " + shellescape.Quote(p)
	}
	if s.Port != 0 {
		flags += fmt.Sprintf(" --port %d", s.Port)
	}
	if s.RootParam != "" {
		flags += " --root-param " + shellescape.Quote(s.RootParam)
	}
	for _, f := range s.Claims {
		flags += " --claim " + shellescape.Quote(string(f))
	}
	return flags
}
