package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"time"
)

// The operations that bring programs into the guest and run them there.
var (
	Put = Op[PutRequest, None]{"put"}

	ProgramRun   = Op[ProgramRequest, ProgramAnswer]{"program-run"}
	ProgramStart = Op[ProgramRequest, ProgramStartAnswer]{"program-start"}
	ProgramStop  = Op[ProgramStopRequest, ProgramAnswer]{"program-stop"}

	// LoadRun is a load from beginning to end, for measurements: nothing else is asked of the guest meanwhile.
	LoadRun = Op[LoadRequest, LoadResult]{"load-run"}
)

// EchoServer is the first argument with which the agent's own file, [AgentPath], is the user-space twin of kecho, and the port may come
// second: without one it is kecho's.
const EchoServer = "user-echo-server"

// AgentPath is where the agent's own file lies in the guest.
const AgentPath = "/init"

// ClockParameter on the kernel's command line tells the agent that time is counted in instructions.
const ClockParameter = "ktcp.clock=instructions"

// PutChunk is how much of a file one [PutRequest] carries at most, in bytes.
const PutChunk = 512 << 10

// PutRequest makes a file in the guest, with the directories above it. What is in its place is replaced.
type PutRequest struct {
	Path   string `json:"path"`
	Mode   uint32 `json:"mode"`             // as in stat(2): with its type; none means a regular file
	Link   string `json:"link,omitempty"`   // the target of a symbolic link
	Append bool   `json:"append,omitempty"` // a further part of a regular file
	Mtime  int64  `json:"mtime,omitempty"`  // seconds since 1970; 0: now
	Data   []byte `json:"data,omitempty"`
}

// dataKey can stand in no string, where its quotes would be escaped.
const dataKey = `,"data":"`

// DecodeFast fills r and reports true, or reports false where encoding/json must be asked, which looks at each byte of the data
// several times. See [HelloRequest.DecodeFast].
func (r *PutRequest) DecodeFast(text []byte) bool {
	head, data, ok := bytes.Cut(text, []byte(dataKey))
	if !ok || !bytes.HasSuffix(data, []byte(`"}`)) {
		return false
	}
	data = data[:len(data)-2]
	var rest PutRequest
	if err := json.Unmarshal(append(bytes.Clone(head), '}'), &rest); err != nil {
		return false
	}
	rest.Data = make([]byte, base64.StdEncoding.DecodedLen(len(data)))
	n, err := base64.StdEncoding.Decode(rest.Data, data)
	if err != nil {
		return false
	}
	rest.Data = rest.Data[:n]
	*r = rest
	return true
}

// ProgramRequest runs a program. It is a process of its own inside the namespace, in a group of its own, with no other
// environment than Env.
type ProgramRequest struct {
	Netns    string        `json:"netns,omitempty"`
	Path     string        `json:"path"`
	Args     []string      `json:"args,omitempty"` // without the program's name
	Env      []string      `json:"env,omitempty"`  // "NAME=value"
	Dir      string        `json:"dir,omitempty"`  // working directory, "" is /
	Stdin    []byte        `json:"stdin,omitempty"`
	Hold     bool          `json:"hold,omitempty"`     // standard input has no end before the program's
	Deadline time.Duration `json:"deadline,omitempty"` // guest time, after which it is killed; 0 means 30 s, or never for one in the background
}

// ProgramStartAnswer names a program that runs in the background.
type ProgramStartAnswer struct {
	Program uint64 `json:"program"`
	PID     int    `json:"pid"`
}

// ProgramStopRequest ends a program that runs in the background: by Signal, and by SIGKILL when it is still there after
// Deadline.
type ProgramStopRequest struct {
	Program  uint64        `json:"program"`
	Signal   int           `json:"signal,omitempty"`   // 0: only wait for its end
	Deadline time.Duration `json:"deadline,omitempty"` // guest time; 0 means 10 s
}

// ProgramAnswer tells how a program ended.
type ProgramAnswer struct {
	Exit     int           `json:"exit"`               // its exit code, -1 when a signal ended it
	Signal   int           `json:"signal,omitempty"`   // the signal that ended it
	TimedOut bool          `json:"timedout,omitempty"` // its deadline passed, so that it was killed
	Stdout   []byte        `json:"stdout,omitempty"`   // the first 16 MiB
	Stderr   []byte        `json:"stderr,omitempty"`   // the first 1 MiB
	Elapsed  time.Duration `json:"elapsed"`            // guest time
	CPU      time.Duration `json:"cpu"`                // user and system time of it and of those that it waited for
}
