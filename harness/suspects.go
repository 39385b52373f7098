package harness

import (
	"fmt"
	"regexp"
	"slices"

	"ktcp/guest/wire"
	"ktcp/harness/finding"
)

// What a server sends with, and what it takes a length from that bytes with a zero among them do not have.
var (
	sendCalls   = []string{"kernel_sendmsg", "kernel_sendmsg_locked", "sock_sendmsg", "kernel_sendpage", "kernel_sendpage_locked", "tcp_sendmsg"}
	stringCalls = []string{"strlen", "strnlen", "strcpy", "strncpy", "strscpy", "strlcpy", "strcat", "snprintf", "sprintf", "scnprintf"}
)

// attribute matches the names that functions behind a file in sysfs are given: they handle strings, and no client's.
var attribute = regexp.MustCompile(`_(get|set|show|store)$`)

// suspects returns what can be known about where in a module the fault is that a client saw, the likeliest first: where its
// threads wait, if it is silent; where it reckons with strings, if it should send back bytes of any value; where it sends.
func (g *Guest) suspects(silent bool) (traces []finding.Trace) {
	g.tb.Helper()
	name := g.servers()
	if name == "" || g.vm.Err() != nil {
		return nil
	}
	if silent {
		if answer, err := try(g, wire.Stacks, wire.StacksRequest{Module: name}); err == nil {
			traces = finding.Waiting(answer.Threads)
		}
	}
	if g.role == Echo {
		traces = append(traces, g.calls(name, "it handles strings here:", stringCalls)...)
	}
	return append(traces, g.calls(name, "it sends here:", sendCalls)...)
}

// calls returns where a module calls functions of these names: one trace for each place, since the frames of one are those of a
// stack.
func (g *Guest) calls(module, title string, names []string) (traces []finding.Trace) {
	g.tb.Helper()
	i := slices.IndexFunc(g.loads, func(l load) bool { return l.Name == module })
	if i < 0 {
		return nil
	}
	frames, err := g.loads[i].symbols.Calls(names...)
	if err != nil {
		g.tb.Logf("look for suspects: %v", err)
	}
	for _, f := range frames {
		if attribute.MatchString(f.Func) {
			continue
		}
		traces = append(traces, finding.Trace{Title: title, Frames: []finding.Frame{f}})
	}
	return traces
}

// Answers fails the test unless a new client of the role gets its answer while idle others, that many, are connected: a
// server that has its threads wait for each of them runs out of threads.
func (s *Subject) Answers(n *Netns, idle int) {
	s.g.tb.Helper()
	c := n.Dial(s.Addr)
	question, least := "a line\n", len("a line\n")
	if s.Role != Echo {
		question, least = "GET / HTTP/1.1\r\nHost: guest\r\nConnection: close\r\n\r\n", len("HTTP/1.1 200")
	}
	c.Send(question)
	answer := call(s.g, wire.Recv, wire.RecvRequest{Conn: c.id, Min: least, Timeout: s.g.patience()})
	if len(answer.Data) >= least {
		c.Close()
		return
	}
	s.starves("with %s, another one got no answer within %v", silent(idle), s.g.patience())
	c.Reset()
}

// starves is the finding that clients do not get what others have, with where the module's threads are at this moment.
func (s *Subject) starves(format string, args ...any) {
	s.g.tb.Helper()
	stacks, err := try(s.g, wire.Stacks, wire.StacksRequest{Module: s.Name})
	if err != nil {
		s.g.tb.Logf("look for suspects: %v", err)
	}
	f := finding.Starved(s.Name, fmt.Sprintf(format, args...), stacks.Threads)
	s.g.found(f)
	s.g.tb.TB.Errorf("starvation: %s", f.Title) // not heard: it is a finding
}

// silent are n clients in words.
func silent(n int) string {
	if n == 1 {
		return "one client that is connected and says nothing"
	}
	return fmt.Sprintf("%d clients that are connected and say nothing", n)
}

// Idlers are clients that are connected and say nothing.
type Idlers []*Crowd

// idlersAtOnce is how many of them connect one after the other before the harness looks how far they have come.
const idlersAtOnce = 50

// Idlers has count clients connect from inside the namespace, who then say nothing. A server that some of them do not get through to is
// one that the others have starved: a finding, which ends the scenario.
func (s *Subject) Idlers(n *Netns, count int) (all Idlers) {
	g := s.g
	g.tb.Helper()
	for connected := 0; connected < count; {
		req := wire.DialManyRequest{
			Netns: n.name, Addr: s.Addr, Count: min(idlersAtOnce, count-connected), Timeout: idlersPatience * g.patience(), Fewer: true,
		}
		answer, err := tryWithin(g, programDeadline, wire.DialMany, req)
		if err != nil {
			g.tb.Fatalf("%s: %v", wire.DialMany.Name, err)
		}
		all = append(all, &Crowd{g: g, first: answer.First, count: answer.Count})
		connected += answer.Count
		if answer.Count < req.Count {
			s.starves("with %s, another one could not connect: %s", silent(connected), answer.Why)
			g.tb.FailNow()
		}
	}
	return all
}

// idlersPatience is how many times the patience of one client [idlersAtOnce] have: each may be told to come again a second later.
const idlersPatience = 2

// Close has all of them close their connections, with FIN.
func (all Idlers) Close() {
	for _, c := range all {
		c.g.tb.Helper()
		call(c.g, wire.CloseMany, wire.CloseManyRequest{First: c.first, Count: c.count, Mode: wire.CloseFIN})
	}
}

// Write sends data to a server that need not be there any more: whether the kernel takes it is not the question.
func (c *Conn) Write(data string) {
	c.g.tb.Helper()
	if _, err := try(c.g, wire.Send, wire.SendRequest{Conn: c.id, Data: []byte(data), Timeout: c.g.patience()}); err != nil && c.g.vm.Err() != nil {
		c.g.tb.Fatalf("send: %v", err)
	}
}

// Wrong reports an answer as wrong: bytes that came and should not have.
func (c *Conn) Wrong(format string, args ...any) {
	c.g.tb.Helper()
	c.g.wireFinding("%s → %s: %s", c.Remote, c.Local, fmt.Sprintf(format, args...))
}
