package harness

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"ktcp/guest/wire"
)

// Bounds of a story.
const (
	longestRefrain = 6  // steps that are told once and counted when they repeat
	mostSteps      = 16 // that are told: the first and the last
)

// step says in a few words what a request made clients, or who loads modules, do; "" for what is only looking.
func step(req any) string {
	switch r := req.(type) {
	case wire.InsmodRequest:
		return strings.TrimSpace("insmod " + r.Name + " " + r.Params)
	case wire.RmmodRequest:
		return "rmmod " + r.Name
	case wire.SweepRequest:
		if r.Insmod != nil {
			return "insmod " + r.Insmod.Name + " again and again, another allocation failing each time"
		}
	case wire.DialRequest:
		return "connect" + in(r.Netns)
	case wire.DialManyRequest:
		return fmt.Sprintf("%d clients connect", r.Count) + in(r.Netns)
	case wire.CloseManyRequest:
		if r.Mode == wire.CloseFIN {
			return fmt.Sprintf("%d clients close", r.Count)
		}
		return fmt.Sprintf("%d clients reset", r.Count)
	case wire.SendRequest:
		return "send " + bytesOf(len(r.Data))
	case wire.RecvRequest:
		return "receive"
	case wire.CloseRequest:
		switch r.Mode {
		case wire.CloseReset:
			return "reset"
		case wire.CloseWrite:
			return "half-close"
		}
		return "close"
	case wire.LoadRequest:
		return fmt.Sprintf("%d clients begin to ask again and again%s", r.Conns, in(r.Netns))
	case wire.LoadStopRequest:
		return "these clients stop"
	case wire.WriteRequest:
		return fmt.Sprintf("write %.20q to %s%s", r.Data, path.Base(r.Path), in(r.Netns))
	case wire.WriteLoopRequest:
		return fmt.Sprintf("%d threads write %s to %s in turn%s", r.Threads, strings.Join(r.Values, " and "), path.Base(r.Path), in(r.Netns))
	case wire.NetnsRequest:
		return "add namespace " + r.Name
	case wire.NetnsDeleteRequest:
		return "delete namespace " + r.Name
	case wire.ListenRequest:
		return "another server takes " + r.Addr + in(r.Netns)
	}
	return ""
}

func in(netns string) string {
	if netns == "" {
		return ""
	}
	return " in " + netns
}

func bytesOf(n int) string {
	if n == 1 {
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", n)
}

// story tells steps so that a person reads them at a glance: what repeats is counted, and a long middle left out.
func story(steps []string) string {
	var told []string
	for len(steps) > 0 {
		length, times := refrain(steps)
		part := strings.Join(steps[:length], ", ")
		switch {
		case times > 1 && length > 1:
			part = fmt.Sprintf("%d × (%s)", times, part)
		case times > 1:
			part = fmt.Sprintf("%d × %s", times, part)
		}
		told = append(told, part)
		steps = steps[length*times:]
	}
	if len(told) > mostSteps {
		told = slices.Concat(told[:mostSteps/2], []string{"..."}, told[len(told)-mostSteps/2:])
	}
	return strings.Join(told, "; ")
}

// refrain returns how many steps the start of steps repeats, and how often: the choice that covers most.
func refrain(steps []string) (length, times int) {
	length, times = 1, 1
	for l := 1; l <= longestRefrain && 2*l <= len(steps); l++ {
		n := 1
		for (n+1)*l <= len(steps) && slices.Equal(steps[:l], steps[n*l:(n+1)*l]) {
			n++
		}
		if n > 1 && n*l > length*times {
			length, times = l, n
		}
	}
	return length, times
}
