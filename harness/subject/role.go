package subject

import (
	"fmt"
	"slices"
	"strings"
)

// Role is a part that a module plays towards its clients.
type Role string

// The roles.
const (
	// Echo sends back what it gets, from the moment that it is loaded.
	Echo Role = "echo"
	// HTTP answers requests from the moment that it is loaded.
	HTTP Role = "http"
	// Web answers requests in each network namespace in which it was switched on.
	Web Role = "web"
)

// Roles lists all roles.
var Roles = []Role{Echo, HTTP, Web}

// Reference returns the module of this tree that plays the role.
func (r Role) Reference() string {
	switch r {
	case Echo:
		return "kecho"
	case HTTP:
		return "khttpd"
	case Web:
		return "kweb"
	}
	return ""
}

// Port returns the port on which a module of this role listens unless it is told otherwise.
func (r Role) Port() int {
	switch r {
	case Echo:
		return 12345
	case HTTP:
		return 8081
	case Web:
		return 9999
	}
	return 0
}

// ParseRole returns the role of that name. The name of the module that plays it in this tree means the same.
func ParseRole(name string) (Role, error) {
	i := slices.IndexFunc(Roles, func(r Role) bool { return string(r) == name || r.Reference() == name })
	if i >= 0 {
		return Roles[i], nil
	}
	var names []string
	for _, r := range Roles {
		names = append(names, r.Reference(), string(r))
	}
	return "", fmt.Errorf("no role is called %q: want one of %s", name, strings.Join(names, ", "))
}
