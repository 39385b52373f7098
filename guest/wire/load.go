package wire

import (
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// LoadProtocol says what the clients of a load speak, and with it how they behave.
type LoadProtocol string

const (
	// LoadRaw sends Send and expects Expect. It is traffic for a server that is being switched, unloaded or has its
	// namespace taken away: its clients never give up, and one that is refused tries again after a moment.
	LoadRaw LoadProtocol = ""
	// LoadEcho sends messages of Size bytes and expects them back. LoadEcho and LoadHTTP measure: they fail when the server
	// cannot be reached at the start or is gone for good later.
	LoadEcho LoadProtocol = "echo"
	// LoadHTTP asks for Paths in turn and expects whole answers with a status of 2xx or 3xx.
	LoadHTTP LoadProtocol = "http"
)

// LoadRequest starts a load, which goes on until it is stopped, Requests or all Rounds are done or Duration has passed: each of
// Conns clients connects, sends a request, reads the answer to its end, and begins again.
type LoadRequest struct {
	Netns    string       `json:"netns,omitempty"`
	Addr     string       `json:"addr"`
	Protocol LoadProtocol `json:"protocol,omitempty"`
	Conns    int          `json:"conns"`
	Threads  int          `json:"threads,omitempty"`  // 0: one for each processor
	Requests int          `json:"requests,omitempty"` // in all, by whichever clients have time for them; 0: until stopped
	// Rounds is how many requests each client makes, no more and no less, however quick the others are. 0: until stopped.
	// Requests and Rounds exclude each other, and awkward clients know no Rounds.
	Rounds   int           `json:"rounds,omitempty"`
	Duration time.Duration `json:"duration,omitempty"` // guest time; 0: no limit
	// At is when the clients begin, in guest time since boot (CLOCK_MONOTONIC), so that several loads begin together. 0, or a time
	// that has passed: at once.
	At        time.Duration `json:"at,omitempty"`
	KeepAlive bool          `json:"keepalive,omitempty"`
	// Persist has clients go on whether the server is there or not, which ends another load that is not raw. They measure no times.
	Persist bool `json:"persist,omitempty"`
	// Pipeline is how many requests a client has under way on its connection. 0 means 1; more needs KeepAlive.
	Pipeline int `json:"pipeline,omitempty"`
	// Rate makes the load open: so many requests a second become due whatever the server does, and an answer's time counts
	// from when its request was due. 0 makes it closed: a client begins the next request when the last was answered.
	Rate float64 `json:"rate,omitempty"`
	// Patience is how long a client waits for progress before it counts a timeout, in guest time. 0 means 5 s.
	Patience time.Duration `json:"patience,omitempty"`
	// Fair has a client that has lost its patience wait on, for six times as long at most, while the server answers others: until they have had
	// ten answers each on average. A server that takes all in turn and is slow passes nobody over.
	Fair bool `json:"fair,omitempty"`

	// Manner makes the clients of raw traffic awkward: KeepAlive, Pipeline, Rate and Threads mean nothing to them.
	Manner Manner        `json:"manner,omitempty"`
	Pace   time.Duration `json:"pace,omitempty"` // 0 means 10 ms

	Send   []byte   `json:"send,omitempty"`   // raw
	Expect []byte   `json:"expect,omitempty"` // raw: the exact answer; http: the exact body; empty: anything
	Size   int      `json:"size,omitempty"`   // echo
	Host   string   `json:"host,omitempty"`   // http: the Host field; "" means Addr
	Paths  []string `json:"paths,omitempty"`  // http; empty means "/"
}

// LoadStartAnswer names the running load.
type LoadStartAnswer struct {
	Load uint64 `json:"load"`
}

// LoadStopRequest stops a load, or with Wait lets it finish its Requests first.
type LoadStopRequest struct {
	Load uint64 `json:"load"`
	Wait bool   `json:"wait"`
}

// LoadResult counts what the clients saw: every request once. A module that is switched off may refuse and, for connections
// that it had not yet accepted, reset; it may never send a wrong or a shortened answer.
type LoadResult struct {
	Good    int           `json:"good"`
	Refused int           `json:"refused"`          // connect: ECONNREFUSED
	NoPort  int           `json:"noport,omitempty"` // connect: no local port is left, since closed connections keep theirs for a minute (TIME_WAIT)
	Reset   int           `json:"reset"`            // RST before a whole answer
	Empty   int           `json:"empty"`            // FIN before any byte of an answer
	Short   int           `json:"short"`            // FIN within an answer
	Wrong   int           `json:"wrong"`            // bytes differ from what is expected, or are malformed
	Status  int           `json:"status,omitempty"` // http: whole answers with a status that is not 2xx or 3xx
	Timeout int           `json:"timeout"`          // no progress for the time of Patience
	Other   int           `json:"other"`
	Sample  string        `json:"sample,omitempty"` // first wrong answer or other error
	Elapsed time.Duration `json:"elapsed"`

	// Idle is how many connections failed, as with RST, while no request was under way on them, and Unasked how many brought
	// bytes then, which nobody had asked for: an open load's clients wait in between. No request counts them.
	Idle    int `json:"idle,omitempty"`
	Unasked int `json:"unasked,omitempty"`

	// Late is how many requests of an open load were due and had found no client by the end: they were never sent, and count nowhere
	// else.
	Late     int     `json:"late,omitempty"`
	Conns    int     `json:"conns,omitempty"`    // connections that were opened
	Sent     int64   `json:"sent,omitempty"`     // bytes
	Received int64   `json:"received,omitempty"` // bytes
	Latency  Latency `json:"latency,omitzero"`   // of the good answers, every one of them; not for raw
	// Waited is how long requests of an open load that got no answer had waited since they were due, not for raw: those that
	// count as Late by the end of the load, and timeouts. Their answers would have taken that long at least.
	Waited Latency `json:"waited,omitzero"`
}

// BadRequests is how many answers were not what they had to be.
func (r LoadResult) BadRequests() int { return r.Short + r.Wrong + r.Status }

// Unanswered is how many requests got no answer.
func (r LoadResult) Unanswered() int {
	return r.Refused + r.NoPort + r.Reset + r.Empty + r.Timeout + r.Other
}

// SocketErrors is how often a connection failed: under a request, which got no answer then, or between two.
func (r LoadResult) SocketErrors() int { return r.Unanswered() + r.Idle + r.Unasked }

// Requests is how many requests there were.
func (r LoadResult) Requests() int { return r.Good + r.BadRequests() + r.Unanswered() }

// AllGood reports whether nothing went wrong: every request was sent when it was due, and answered as it had to be.
func (r LoadResult) AllGood() bool {
	return r.BadRequests() == 0 && r.SocketErrors() == 0 && r.Late == 0
}

// PerSecond is the rate of good answers.
func (r LoadResult) PerSecond() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Good) / r.Elapsed.Seconds()
}

// Latency is a distribution of response times. What took longer than 10 minutes counts as 10 minutes.
type Latency struct {
	Count       int64         `json:"count"`
	Min         time.Duration `json:"min"`
	Mean        time.Duration `json:"mean"`
	StdDev      time.Duration `json:"stddev"`
	Max         time.Duration `json:"max"`
	Percentiles []Percentile  `json:"percentiles,omitempty"` // ascending
	// HDR is the whole distribution in ns, as HdrHistogram's compressed encoding V2 in base64.
	HDR []byte `json:"hdr,omitempty"`
}

// Percentile says that so many per cent of the response times were at most Value.
type Percentile struct {
	Percent float64       `json:"percent"`
	Value   time.Duration `json:"value"`
}

// At returns the value of one of the percentiles that were recorded, or 0.
func (l Latency) At(percent float64) time.Duration {
	for _, p := range l.Percentiles {
		if p.Percent == percent {
			return p.Value
		}
	}
	return 0
}

// Manner is how an awkward client behaves. What it sends is the Send of its [LoadRequest], and what it takes for the whole
// answer is Expect or, where that is empty, all until the server closes.
type Manner string

// The manners, and what counts as good. Pace is the time between two bytes of those that are slow.
const (
	SlowSender  Manner = "slow-sender" // sends a byte at a time; good: the answer
	SlowReader  Manner = "slow-reader" // takes the answer a byte at a time, with little room for it; good: the answer
	HalfCloser  Manner = "half-closer" // sends, says that it has no more to say, and reads; good: the answer
	Waiter      Manner = "waiter"      // connects and says nothing; good: it is left waiting until Patience is over
	Vanisher    Manner = "vanisher"    // sends half and is gone without FIN or RST; good: always
	Resetter    Manner = "resetter"    // sends half and resets; good: always
	Interrupter Manner = "interrupter" // resets when the first byte of the answer is there; good: it came
	LateSender  Manner = "late-sender" // sends once more after the server has closed; good: it is reset
	Stormer     Manner = "stormer"     // connects and closes; good: always
	// PortHog is a half-closer whose end comes with its last byte: the server cannot close first, and the client's port stays in
	// TIME_WAIT; good: the answer.
	PortHog Manner = "port-hog"
)

// Manners are all of them.
var Manners = []Manner{
	SlowSender, SlowReader, HalfCloser, Waiter, Vanisher, Resetter, Interrupter, LateSender, Stormer, PortHog,
}

// Histogram returns the whole distribution, in ns.
func (l Latency) Histogram() (*hdrhistogram.Histogram, error) {
	h, err := hdrhistogram.Decode(l.HDR)
	if err != nil {
		return nil, fmt.Errorf("decode response times: %w", err)
	}
	return h, nil
}
