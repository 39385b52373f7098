package scenarios

import (
	"testing"

	"ktcp/harness"
)

// What clients may expect of any module, whatever its protocol and whoever wrote it.

// roles are those that a module of this tree plays.
var roles = []harness.Role{harness.Echo, harness.HTTP, harness.Web}

// subject is a module that serves in the initial namespace.
type subject struct {
	*harness.Subject
	*harness.Netns
}

// serve loads the module that plays the role and switches it on where it has to be.
func serve(t testing.TB, g *harness.Guest, role harness.Role) subject {
	t.Helper()
	s := subject{g.Serve(role), g.Init()}
	s.on()
	return s
}

// on switches the server on, where insmod does not.
func (s subject) on() {
	if s.Role == harness.Web {
		s.Enable(s.Netns)
	}
}

// asked is one client that gets its answer and leaves.
func (s subject) asked(t testing.TB) {
	t.Helper()
	if s.Role != harness.Echo {
		s.Get(s.Addr).WantStatus(200)
		return
	}
	c := s.Dial(s.Addr)
	const line = "one line\n"
	c.Send(line)
	if got := string(c.Recv(len(line))); got != line {
		t.Errorf("echo of %q is %q", line, got)
	}
	c.Close()
}

// begun is a client that has said half of what it has to say; what it gets meanwhile is its own affair.
func (s subject) begun() *harness.Conn {
	c := s.Dial(s.Addr)
	c.Send("GET / HT")
	return c
}

// Clients come one after the other, and several at once
func TestRoleAnswers(t *testing.T) {
	harness.EachRole(t, func(t *testing.T, role harness.Role) {
		t.Parallel()
		s := serve(t, harness.Clone(t), role)
		for range 10 {
			s.asked(t)
		}
		var waiting []*harness.Conn
		for range 4 {
			waiting = append(waiting, s.Dial(s.Addr))
		}
		s.asked(t)
		for _, c := range waiting {
			c.Close()
		}
		s.asked(t)
	}, roles...)
}

// A client is connected and says nothing when the module is unloaded; afterwards it closes
func TestRoleRmmodWithIdleClient(t *testing.T) {
	harness.EachRole(t, func(t *testing.T, role harness.Role) {
		t.Parallel()
		s := serve(t, harness.Clone(t), role)
		idle := s.Dial(s.Addr)
		s.asked(t)
		s.Rmmod()
		idle.Close()
	}, roles...)
}

// A client is connected when the module is unloaded, and speaks only afterwards
func TestRoleRmmodThenClientSpeaks(t *testing.T) {
	harness.EachRole(t, func(t *testing.T, role harness.Role) {
		t.Parallel()
		s := serve(t, harness.Clone(t), role)
		c := s.Dial(s.Addr)
		s.asked(t)
		s.Rmmod()
		c.Write("too late\r\n\r\n")
		c.Reset()
	}, roles...)
}

// The module is unloaded in the middle of a request; afterwards the client resets the connection
func TestRoleRmmodInTheMiddle(t *testing.T) {
	harness.EachRole(t, func(t *testing.T, role harness.Role) {
		t.Parallel()
		s := serve(t, harness.Clone(t, harness.SMP()), role)
		c := s.begun()
		s.asked(t)
		s.Rmmod()
		c.Reset()
	}, roles...)
}

// The module is unloaded after clients have come and gone, and loaded again
func TestRoleRmmodAfterTraffic(t *testing.T) {
	harness.EachRole(t, func(t *testing.T, role harness.Role) {
		t.Parallel()
		s := serve(t, harness.Clone(t, harness.SMP()), role)
		for range 20 {
			s.asked(t)
		}
		s.Rmmod()
		s.Refuses(s.Addr)
		s.Reload()
		s.on()
		s.asked(t)
	}, roles...)
}

// One client is connected and says nothing: another gets its answer
func TestRoleOneIdleClient(t *testing.T) { idleClients(t, 1) }

// 256 clients are connected and say nothing: another gets its answer
func TestRoleManyIdleClients(t *testing.T) { idleClients(t, 256) }

// 1,000 clients are connected and say nothing: another gets its answer
func TestRoleThousandIdleClients(t *testing.T) { idleClients(t, 1000) }

// idleClients has fewer than a thousand of them on a kernel that checks all that it does, see [harness.Guest.Many]: what can run out
// there, workers, threads and slots, has run out long before.
func idleClients(t *testing.T, count int) {
	harness.EachRole(t, func(t *testing.T, role harness.Role) {
		t.Parallel()
		g := harness.Clone(t)
		s := serve(t, g, role)
		many := count
		if many >= 1000 {
			many = g.Many(many)
		}
		idle := s.Idlers(s.Netns, many)
		s.Answers(s.Netns, many)
		idle.Close()
		s.asked(t)
	}, roles...)
}

// Clients come and go, and as many again: what the module holds does not grow with those that have gone
func TestRoleHoldsNothingOfThoseWhoHaveGone(t *testing.T) {
	harness.EachRole(t, func(t *testing.T, role harness.Role) {
		t.Parallel()
		s := serve(t, harness.Clone(t), role)
		s.WantNoGrowth(60, func(i int) {
			if i%2 == 0 {
				s.asked(t)
			} else {
				s.begun().Reset()
			}
		})
	}, roles...)
}

// Clients reset their connections before, while and after they speak
func TestRoleClientsReset(t *testing.T) {
	harness.EachRole(t, func(t *testing.T, role harness.Role) {
		t.Parallel()
		s := serve(t, harness.Clone(t, harness.SMP()), role)
		for range 5 {
			s.Dial(s.Addr).Reset()
			s.begun().Reset()
			c := s.Dial(s.Addr)
			c.Send(request)
			c.Reset()
		}
		s.asked(t)
	}, roles...)
}

// A client says what no text has in it: zeroes, and bytes of every value
func TestRoleBinary(t *testing.T) {
	harness.EachRole(t, func(t *testing.T, role harness.Role) {
		t.Parallel()
		s := serve(t, harness.Clone(t), role)
		c := s.Dial(s.Addr)
		sent := "a\x00b"
		for i := range 256 {
			sent += string([]byte{byte(i)})
		}
		c.Send(sent)
		if got := string(c.Recv(len(sent))); got != sent {
			c.Wrong("the echo of %q is %q", sent, got)
		}
		c.Close()
	}, harness.Echo)
}
