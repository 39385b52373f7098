package scenarios

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"ktcp/harness"
)

// What a random scenario is made from. Both are printed, and can be given again: SEED=7 STEPS=400 go test ./scenarios -run Random
const (
	seedVariable  = "SEED"
	stepsVariable = "STEPS"
	defaultSteps  = 40
)

// number reads a variable, or takes what stands in for it.
func number(t *testing.T, variable string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%s: want a number", variable, text)
	}
	return n
}

// place is a namespace, and what goes on in it.
type place struct {
	*harness.Netns
	on      bool
	traffic *harness.Load
}

// chaos does one random thing after the other to a module that serves per namespace.
type chaos struct {
	t      *testing.T
	random *rand.Rand
	g      *harness.Guest
	kweb   *harness.Subject
	places []*place
	made   int
}

// Toggling, namespaces that come and go, clients that come and go, and the module itself, in any order and at any moment, under
// traffic. What the server is asked to do it does, whatever came before.
func TestRandomLifecycle(t *testing.T) {
	t.Parallel()
	seed := number(t, seedVariable, rand.Uint64N(1<<32))
	steps := number(t, stepsVariable, defaultSteps)
	t.Logf("to have the same again: %s=%d %s=%d go test ./scenarios -run '^TestRandomLifecycle$'", seedVariable, seed, stepsVariable, steps)
	c := &chaos{t: t, random: rand.New(rand.NewPCG(seed, seed)), g: harness.Clone(t, harness.SMP())}
	c.g.Again(fmt.Sprintf("%s=%d", seedVariable, seed))
	c.g.Again(fmt.Sprintf("%s=%d", stepsVariable, steps))
	c.kweb = c.g.Serve(harness.Web)
	c.add()
	for range steps {
		c.step()
		<-time.After(time.Duration(c.random.IntN(20)) * time.Millisecond) // what is under way gets some way further, or not
	}
	for _, p := range c.places {
		c.quiet(p)
	}
}

// The weights of what may happen next.
func (c *chaos) step() {
	p := c.places[c.random.IntN(len(c.places))]
	switch n := c.random.IntN(100); {
	case n < 30:
		c.toggle(p)
	case n < 45:
		c.check(p)
	case n < 60 && p.on:
		c.client(p)
	case n < 75 && p.on:
		if p.traffic == nil {
			p.traffic = p.Traffic(c.kweb.Addr, 1+c.random.IntN(4), "")
		} else {
			c.quiet(p)
		}
	case n < 85 && len(c.places) < 4:
		c.add()
	case n < 93 && len(c.places) > 1:
		c.delete(p)
	default:
		c.reload()
	}
}

func (c *chaos) add() {
	c.made++
	c.places = append(c.places, &place{Netns: c.g.Netns(fmt.Sprintf("n%d", c.made))})
}

func (c *chaos) toggle(p *place) {
	if p.on {
		c.kweb.Disable(p.Netns)
	} else {
		c.kweb.Enable(p.Netns)
	}
	p.on = !p.on
}

func (c *chaos) check(p *place) {
	if p.on {
		p.Get(c.kweb.Addr).WantStatus(200)
	} else {
		p.Refuses(c.kweb.Addr)
	}
}

// client connects and says nothing, half of a request, or all of it without reading the answer.
func (c *chaos) client(p *place) {
	conn := p.Dial(c.kweb.Addr)
	if n := c.random.IntN(len(request) + 1); n > 0 {
		conn.Send(request[:n])
	}
	if c.random.IntN(2) == 0 {
		conn.Reset()
	}
}

func (c *chaos) quiet(p *place) {
	if p.traffic != nil {
		p.traffic.Stop()
		p.traffic = nil
	}
}

// delete lets a namespace die with everything that goes on in it.
func (c *chaos) delete(p *place) {
	p.traffic = nil // its clients go with the namespace
	p.Dies()
	for i := range c.places {
		if c.places[i] == p {
			c.places = append(c.places[:i], c.places[i+1:]...)
			return
		}
	}
}

func (c *chaos) reload() {
	c.kweb.Rmmod()
	if c.t.Failed() {
		c.t.FailNow() // nothing can be loaded over a module that does not go
	}
	c.kweb.Reload()
	for _, p := range c.places {
		p.on = false
	}
}
