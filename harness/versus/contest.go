package versus

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"ktcp/harness/figure"
	"ktcp/harness/handover"
	"ktcp/harness/subject"
)

// Variable is the variable that names the file with the [Contest] that a process is to hold.
const Variable = "KTCP_CONTEST"

// Contest says who is compared and how often.
type Contest struct {
	Modules [2]subject.Stranger `json:"modules"` // of one role
	Rounds  int                 `json:"rounds"`
	Record  string              `json:"record"` // the file that the answer goes to
}

// Write writes c where [FromEnvironment] finds it.
func (c Contest) Write(file string) error { return handover.Write(file, c) }

// Validate reports what is missing or malformed in c.
func (c *Contest) Validate() error {
	for i := range c.Modules {
		if err := c.Modules[i].Validate(); err != nil {
			return err
		}
	}
	if c.Modules[0].Role != c.Modules[1].Role || c.Rounds < 1 || c.Record == "" {
		return errors.New("want two modules of one role, a number of rounds and a record")
	}
	return nil
}

// FromEnvironment returns the contest that this process is to hold, or nil where it is to hold none.
func FromEnvironment() (*Contest, error) {
	var c Contest
	if found, err := handover.FromEnvironment(Variable, &c); !found {
		return nil, err
	}
	return &c, nil
}

// Measurement is one load against one module in one round.
type Measurement struct {
	Round    int           `json:"round"` // from 0
	Module   int           `json:"module"`
	Load     string        `json:"load"`
	Requests int           `json:"requests"`
	Elapsed  time.Duration `json:"elapsed"`       // guest time of all of them together
	Idle     time.Duration `json:"idle"`          // of it, in which the guest had nothing to do
	Bad      string        `json:"bad,omitempty"` // what was wrong with answers; the times mean nothing then
}

// PerSecond is the rate at which requests were answered.
func (m Measurement) PerSecond() float64 { return float64(m.Requests) / m.Elapsed.Seconds() }

// Instructions is how many a request took, those of client, server and kernel together: on the clock of instructions a nanosecond in
// which the guest was not idle is one.
func (m Measurement) Instructions() float64 {
	return float64(m.Elapsed-m.Idle) / float64(m.Requests)
}

// Record is what came of a contest.
type Record struct {
	figure.Setting `json:"setting"`
	Template       string        `json:"template"` // that all guests were clones of
	Builds         [2]string     `json:"builds"`   // digests of the modules
	Measurements   []Measurement `json:"measurements"`
	// Answers is what each module answers, in words: "200, 12 bytes". It is empty for what echoes.
	Answers [2]string `json:"answers"`
	// Flaws are what the oracles found beside, in one line each, by module.
	Flaws [2][]string `json:"flaws"`
}

// ErrMixed is returned for guests that must not be compared.
var ErrMixed = errors.New("not the same kind of guest as before")

// Note notes in which kind of guest, and which build of a module, the next measurements are made. Guests of one record must all be of
// one kind.
func (r *Record) Note(s figure.Setting, template string, module int, build string) error {
	first := len(r.Measurements) == 0 && r.Setting == figure.Setting{}
	switch {
	case first:
		r.Setting, r.Template = s, template
	case r.Setting != s || r.Template != template:
		return fmt.Errorf("compare modules: %w: %+v of template %q, not %+v of %q", ErrMixed, s, template, r.Setting, r.Template)
	case r.Builds[module] != "" && r.Builds[module] != build:
		return fmt.Errorf("compare modules: %w: its module has changed meanwhile", ErrMixed)
	}
	r.Builds[module] = build
	return nil
}

// NoteAnswer notes what a module answers to the request of the loads: who says less has less to do.
func (r *Record) NoteAnswer(module, status, size int) {
	r.Answers[module] = fmt.Sprintf("%d, %d bytes", status, size)
}

// Add keeps flaws of a module, each once.
func (r *Record) Add(module int, flaws ...string) {
	for _, f := range flaws {
		if !slices.Contains(r.Flaws[module], f) {
			r.Flaws[module] = append(r.Flaws[module], f)
		}
	}
}

// Write writes the record for the process that has asked for it.
func (r *Record) Write(file string) error { return handover.Write(file, r) }
