package main

import (
	"os"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"github.com/spf13/cobra"

	"ktcp/harness/subject"
)

// roleFlag is a role on the command line.
type roleFlag subject.Role

// String implements pflag.Value.
func (r *roleFlag) String() string { return string(*r) }

// Type implements pflag.Value.
func (r *roleFlag) Type() string { return "ROLE" }

// Set implements pflag.Value.
func (r *roleFlag) Set(text string) error {
	role, err := subject.ParseRole(text)
	*r = roleFlag(role)
	return err
}

// moduleFlags adds the flags that say what the modules of directories are.
func moduleFlags(c *cobra.Command, as *subject.Role, module *string, params *[]string, port *int) {
	flags := c.Flags()
	flags.Var((*roleFlag)(as), "as", "what the module is: kecho, khttpd, kweb, or echo, http, web (default: found out)")
	flags.StringVar(module, "module", "", "which module, where a directory makes several")
	flags.StringArrayVar(params, "param", nil, "NAME=VALUE for insmod, repeatable")
	flags.IntVar(port, "port", 0, "where it listens (default: its role's port, or wherever it is found to listen)")
}

// variables are those of the environment that choose what a command works on.
var variables = []string{"KERNEL", "FLAVOR"}

// typed is what the user can type for the same again.
func typed() string {
	var words []string
	for _, v := range variables {
		if value := os.Getenv(v); value != "" {
			words = append(words, v+"="+shellescape.Quote(value))
		}
	}
	words = append(words, "go run .", shellescape.QuoteCommand(os.Args[1:]))
	return strings.Join(words, " ")
}
