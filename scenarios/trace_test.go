package scenarios

import (
	"testing"

	"ktcp/harness"
	"ktcp/harness/trace"
)

// BenchmarkTrace shows where the instructions of a module's requests go, for `go run . trace DIR`: once in the calls of a single request,
// once for each load in samples of its stacks. The two have guests of their own, because the tracer slows all of the kernel down.
func BenchmarkTrace(b *testing.B) {
	job, err := trace.FromEnvironment()
	if err != nil {
		b.Fatal(err)
	}
	if job == nil {
		b.Skip("it takes a module: go run . trace DIR")
	}
	traceRequest(b, job)
	traceLoads(b, job)
}

// traceServer serves the job's module in a guest of its own.
func traceServer(b *testing.B, job *trace.Job) (*harness.Guest, *harness.Subject) {
	g := harness.Clone(b, harness.ForSpeed(), harness.Judge(job.Module))
	s := g.Serve(job.Module.Role)
	if s.Role == harness.Web {
		s.Enable(g.Init())
	}
	return g, s
}

// traceRequest traces a client that connects, asks once and closes. One that came before has made the kernel ready.
func traceRequest(b *testing.B, job *trace.Job) {
	g, s := traceServer(b, job)
	about, send := "one HTTP request on a connection of its own", "GET / HTTP/1.1\r\nHost: "+s.Addr+"\r\nConnection: close\r\n\r\n"
	if s.Role == harness.Echo {
		about, send = "one message that is echoed, on a connection of its own", "a message that the server is to send back as it is"
	}
	ask := func() {
		c := g.Init().Dial(s.Addr)
		c.Send(send)
		c.Recv(1)
		c.Close()
	}
	ask()
	harness.Logf("tracing one request to %s", s.Name)
	if err := trace.WriteGraph(job.Dir, s.Calls(job.Depth, s.Name+": "+about, ask)); err != nil {
		b.Fatal(err)
	}
}

func traceLoads(b *testing.B, job *trace.Job) {
	_, s := traceServer(b, job)
	named, looked := false, false
	for _, l := range versusLoads(s.Role) {
		if job.Load != "" && job.Load != l.name {
			continue
		}
		named = true
		harness.Logf("sampling %s under the load %s", s.Name, l.name)
		if m := s.Measure(l.name, l.warm()); m.Bad != "" {
			harness.Logf("%s cannot be looked at under the load %s: %s", s.Name, l.name, m.Bad)
			continue
		}
		looked = true
		req := l.LoadRequest
		req.Requests *= 2 // a second of guest time gives 10,000 samples
		if err := s.Profile(l.name, l.about, req).Write(job.Dir); err != nil {
			b.Fatal(err)
		}
	}
	switch {
	case !named:
		b.Fatalf("no load of %s is called %s", s.Role, job.Load)
	case !looked:
		b.Fatalf("%s serves none of the loads", s.Name)
	}
}
