package wire

import "time"

// The operations on connections to a server that sends back what it gets, and on connections in numbers.
var (
	Echo      = Op[EchoRequest, EchoAnswer]{"echo"}
	DialMany  = Op[DialManyRequest, DialManyAnswer]{"dial-many"}
	CloseMany = Op[CloseManyRequest, None]{"close-many"}
)

// EchoRequest sends bytes that the agent makes up and compares what comes back. The stream goes on from request to request
// of one connection: what one has sent, another may receive.
type EchoRequest struct {
	Conn      uint64        `json:"conn"`
	Send      int64         `json:"send"`                // bytes; -1: until the connection takes no more
	Piece     int           `json:"piece,omitempty"`     // bytes of one send(2); 0 means 64 KiB
	Receive   bool          `json:"receive,omitempty"`   // meanwhile and after, until all that was ever sent is back
	HalfClose bool          `json:"halfclose,omitempty"` // shut down writing after the last byte; receive to the end
	Timeout   time.Duration `json:"timeout,omitempty"`   // without progress; 0 means 5 s
}

// EchoAnswer tells how it went.
type EchoAnswer struct {
	Sent     int64 `json:"sent"`
	Received int64 `json:"received"`
	Differs  int64 `json:"differs"` // place in the stream of the first wrong byte; -1: none
	EOF      bool  `json:"eof,omitempty"`
	Reset    bool  `json:"reset,omitempty"`
	TimedOut bool  `json:"timedout,omitempty"`
	Errno    int   `json:"errno,omitempty"` // any other error of send(2) or read(2)
}

// DialManyRequest opens Count connections.
type DialManyRequest struct {
	Netns   string        `json:"netns,omitempty"`
	Addr    string        `json:"addr"`
	Count   int           `json:"count"`
	Timeout time.Duration `json:"timeout"` // for all of them; 0 means 5 s
	// Fewer tells that those that can be made are an answer, too. Otherwise one that fails is an error, and none is left.
	Fewer bool `json:"fewer,omitempty"`
}

// DialManyAnswer names the connections First to First+Count-1.
type DialManyAnswer struct {
	First uint64 `json:"first"`
	Count int    `json:"count"`
	Why   string `json:"why,omitempty"` // the next one failed, where they are fewer than were asked for
}

// CloseManyRequest closes the connections First to First+Count-1.
type CloseManyRequest struct {
	First uint64    `json:"first"`
	Count int       `json:"count"`
	Mode  CloseMode `json:"mode,omitempty"` // "" is RST
}
