package vm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ktcp/guest/wire"
)

// echo is an operation of the fake agent.
var echo = wire.Op[string, string]{Name: "echo"}

// fakeGuest is a guest without QEMU: the test plays the agent on the other end of its port.
func fakeGuest(t *testing.T) (*Guest, net.Conn) {
	t.Helper()
	ours, theirs, err := socketPair()
	if err != nil {
		t.Fatal(err)
	}
	agent, err := net.FileConn(theirs)
	theirs.Close()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{session: newSession(ours), dead: make(chan struct{})}
	t.Cleanup(func() {
		agent.Close()
		p.session.close()
	})
	return &Guest{process: p, spec: Spec{RequestTimeout: 10 * time.Second}}, agent
}

// hear reads one request as the agent.
func hear(t *testing.T, agent io.Reader) wire.Frame {
	t.Helper()
	f, err := wire.ReadFrame(agent)
	if err != nil {
		t.Fatalf("agent reads: %v", err)
	}
	return f
}

// answer writes one answer as the agent.
func answer(t *testing.T, agent io.Writer, f wire.Frame) {
	t.Helper()
	if err := wire.WriteFrame(agent, f); err != nil {
		t.Fatalf("agent writes: %v", err)
	}
}

// TestAnswersInAnyOrder has many requests at once and answers them in reverse.
func TestAnswersInAnyOrder(t *testing.T) {
	g, agent := fakeGuest(t)
	const n = 50
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			want := fmt.Sprint("request ", i)
			if got, err := Call(t.Context(), g, echo, want); err != nil || got != want {
				t.Errorf("%s: got %q, %v", want, got, err)
			}
		})
	}
	var frames []wire.Frame
	for range n {
		frames = append(frames, hear(t, agent))
	}
	for i := range frames {
		f := frames[n-1-i]
		answer(t, agent, wire.Frame{ID: f.ID, Body: f.Body})
	}
	wg.Wait()
}

// TestLateAnswerIsDropped gives up a request, answers it then, and expects the next to get its own answer.
func TestLateAnswerIsDropped(t *testing.T) {
	g, agent := fakeGuest(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := Call(ctx, g, echo, "first")
	var silent *SilentError
	if !errors.As(err, &silent) || silent.Op != echo.Name || silent.After < 20*time.Millisecond {
		t.Errorf("unanswered request: %v, want a SilentError", err)
	}
	for _, target := range []error{ErrSilent, context.DeadlineExceeded} {
		if !errors.Is(err, target) || !errors.Is(g.Err(), target) {
			t.Errorf("%v and %v are not both %v", err, g.Err(), target)
		}
	}
	late := hear(t, agent)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if got, err := Call(t.Context(), g, echo, "second"); err != nil || got != "second" {
			t.Errorf("second request: got %q, %v", got, err)
		}
	}()
	answer(t, agent, wire.Frame{ID: late.ID, Body: late.Body})
	second := hear(t, agent)
	answer(t, agent, wire.Frame{ID: second.ID, Body: second.Body})
	<-done
}

// TestRequestsQueueBehindAGuestThatDoesNotRead stops reading in the middle of a large request: others time out, and
// when the guest reads again nothing is out of step.
func TestRequestsQueueBehindAGuestThatDoesNotRead(t *testing.T) {
	g, agent := fakeGuest(t)
	large := strings.Repeat("x", 4<<20)
	given := make(chan error)
	ctx, giveUp := context.WithCancel(t.Context())
	go func() {
		_, err := Call(ctx, g, echo, large)
		given <- err
	}()
	var head [4]byte // the large one is on its way
	if _, err := io.ReadFull(agent, head[:]); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Call(short, g, echo, "small"); !errors.Is(err, ErrSilent) {
		t.Errorf("request behind it: %v, want silence", err)
	}
	giveUp()
	if err := <-given; !errors.Is(err, context.Canceled) {
		t.Errorf("large request: %v, want its cancellation", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if got, err := Call(t.Context(), g, echo, "again"); err != nil || got != "again" {
			t.Errorf("request after silence: got %q, %v", got, err)
		}
	}()
	// The large one was half sent, so it comes whole; the small one never began.
	port := io.MultiReader(bytes.NewReader(head[:]), agent)
	for _, want := range []string{large, "again"} {
		f := hear(t, port)
		var got string
		if err := json.Unmarshal(f.Body, &got); err != nil || got != want {
			t.Fatalf("agent got %d bytes, %v, want %d", len(got), err, len(want))
		}
		answer(t, agent, wire.Frame{ID: f.ID, Body: f.Body})
	}
	<-done
}

func TestCallErrors(t *testing.T) {
	for _, test := range []struct {
		name  string
		agent func(t *testing.T, g *Guest, agent net.Conn)
		want  error
	}{
		{"the guest's errno", func(t *testing.T, _ *Guest, agent net.Conn) {
			f := hear(t, agent)
			answer(t, agent, wire.Frame{ID: f.ID, Err: wire.NewError(fmt.Errorf("listen: %w", syscall.EADDRINUSE))})
		}, syscall.EADDRINUSE},
		{"a deadline in the guest", func(t *testing.T, _ *Guest, agent net.Conn) {
			f := hear(t, agent)
			answer(t, agent, wire.Frame{ID: f.ID, Err: wire.NewError(os.ErrDeadlineExceeded)})
		}, os.ErrDeadlineExceeded},
		{"an answer of another type", func(t *testing.T, _ *Guest, agent net.Conn) {
			f := hear(t, agent)
			answer(t, agent, wire.Frame{ID: f.ID, Body: []byte(`{"not":"a string"}`)})
		}, ErrProtocol},
		{"garbage", func(t *testing.T, _ *Guest, agent net.Conn) {
			hear(t, agent)
			if _, err := agent.Write([]byte("\x02\x00\x00\x00!!")); err != nil {
				t.Error(err)
			}
		}, ErrProtocol},
		{"a length beyond all reason", func(t *testing.T, _ *Guest, agent net.Conn) {
			hear(t, agent)
			if _, err := agent.Write([]byte("\xff\xff\xff\xff")); err != nil {
				t.Error(err)
			}
		}, ErrProtocol},
		{"death", func(t *testing.T, g *Guest, agent net.Conn) {
			hear(t, agent)
			g.process.death = &DeadError{Cause: Killed}
			close(g.process.dead)
		}, &DeadError{Cause: Killed}},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, agent := fakeGuest(t)
			go test.agent(t, g, agent)
			_, err := Call(t.Context(), g, echo, "hello")
			var dead *DeadError
			if !errors.Is(err, test.want) && !(errors.As(test.want, &dead) && errors.As(err, &dead)) {
				t.Errorf("error %v (%T), want %v", err, err, test.want)
			}
		})
	}
}

func TestCallIsCancelled(t *testing.T) {
	g, _ := fakeGuest(t)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := Call(ctx, g, echo, "hello"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled request: %v", err)
	}
	if g.Err() != nil {
		t.Errorf("the guest is blamed for it: %v", g.Err())
	}
}

func TestWatchdogIsTheSpecs(t *testing.T) {
	g, _ := fakeGuest(t)
	g.spec.RequestTimeout = 20 * time.Millisecond
	if _, err := Call(t.Context(), g, echo, "hello"); !errors.Is(err, ErrSilent) {
		t.Errorf("request without an answer: %v, want silence", err)
	}
}
