package load

// turns are clients that wait for something to do. They are taken in the order in which they came.
type turns struct {
	ring  []int
	first int // where in the ring the one is that has waited longest
	n     int
}

// newTurns returns room for so many clients, each of which may wait once.
func newTurns(clients int) turns { return turns{ring: make([]int, clients)} }

func (t *turns) add(i int) {
	t.ring[(t.first+t.n)%len(t.ring)] = i
	t.n++
}

// next takes the client that has waited longest. There must be one.
func (t *turns) next() int {
	i := t.ring[t.first]
	t.first = (t.first + 1) % len(t.ring)
	t.n--
	return i
}
