package versus

import (
	"errors"
	"fmt"
	"io"

	"ktcp/harness/subject"
)

// DefaultRounds are enough for an interval.
const DefaultRounds = RoundsForInterval

// mostRounds is beyond what anybody waits for.
const mostRounds = 1000

// Spec says who is compared, as what, and where the words go.
type Spec struct {
	Root     string       // the project's directory
	Dirs     []string     // two, with a module each
	As       subject.Role // "" is told by the modules themselves
	Module   string       // which one, where a directory makes several
	Params   []string     // for every insmod of both, as "port=80"
	Port     int          // where both listen; 0 is their role's port, or wherever they are found to listen
	Rounds   int
	Command  string    // what the user typed
	Out      io.Writer // the comparison
	Progress io.Writer // lines about what takes time
}

// Validate reports what is missing or malformed in s.
func (s Spec) Validate() error {
	if len(s.Dirs) != 2 {
		return fmt.Errorf("bench: name the directories of two modules, as module/khttpd ~/other/module/khttpd: %d were given", len(s.Dirs))
	}
	if s.Rounds < 1 || s.Rounds > mostRounds {
		return fmt.Errorf("bench: %d rounds: want 1 to %d, and %d or more for an interval", s.Rounds, mostRounds, RoundsForInterval)
	}
	probe := subject.Stranger{Dir: "bench", Role: subject.Echo, Port: s.Port, Params: s.Params}
	return probe.Validate()
}

// ErrRoles is returned for two modules that do not play one role.
var ErrRoles = errors.New("two modules that play different roles cannot be compared")
