package load

import "bytes"

// verdict is what a part of an answer was.
type verdict int

const (
	partial   verdict = iota // right so far, and not all of it
	whole                    // the end of the answer
	wholeLast                // the end of the answer, behind which the server must close
	malformed                // not what it had to be; the client's why says how
)

// answers judges what clients receive. take looks at part, the next bytes of a client's stream, up to the end of the answer
// to its oldest request, and returns how many belong to that. end says what the end of the stream means for an answer of
// which something has come.
type answers interface {
	take(c *client, part []byte) (n int, v verdict)
	end(c *client) verdict
	// good reports whether a whole answer says that all went well, or else sets the client's why.
	good(c *client) bool
}

// exact expects known bytes: those of the script at the place of the request.
type exact struct{ *script }

func (e exact) take(c *client, part []byte) (int, verdict) {
	want := e.piece(c.asks%e.n, 1)
	rest := want[c.got:]
	n := min(len(rest), len(part))
	if !bytes.Equal(part[:n], rest[:n]) {
		c.why = "other bytes than expected"
		return 0, malformed
	}
	if n == len(rest) {
		return n, whole
	}
	return n, partial
}

func (exact) good(*client) bool { return true }

func (exact) end(*client) verdict { return partial }

// anyWhole takes any answer that is not empty and ends with the connection.
type anyWhole struct{}

func (anyWhole) take(c *client, part []byte) (int, verdict) {
	if c.got+len(part) > maxAnswer {
		c.why = "an answer without end"
		return 0, malformed
	}
	return len(part), partial
}

func (anyWhole) good(*client) bool { return true }

func (anyWhole) end(*client) verdict { return whole }

// anyPart takes any bytes for an answer: on a connection that goes on there is no telling where it ends.
type anyPart struct{}

func (anyPart) take(_ *client, part []byte) (int, verdict) { return len(part), whole }

func (anyPart) good(*client) bool { return true }

func (anyPart) end(*client) verdict { return partial }
