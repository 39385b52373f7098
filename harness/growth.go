package harness

import (
	"maps"
	"time"

	"ktcp/guest/wire"
	"ktcp/harness/finding"
)

// WantNoGrowth calls client so many times, and then as many times again, with numbers from 0 on: each call is to be a client that
// connects, and has gone when it returns. What the module holds more of after the second half than after the first is a finding: memory
// that its exit may well free, and that until then grows with work that is over. Module and guest go on.
func (m *Module) WantNoGrowth(clients int, client func(i int)) {
	g := m.g
	g.tb.Helper()
	if g.unledgered {
		g.tb.Fatal("this guest keeps no ledger: nothing can be seen to grow")
	}
	for i := range clients {
		client(i)
	}
	before, err := m.heldAtRest()
	if err != nil {
		g.blind(finding.OracleLedger, err)
		return
	}
	for i := range clients {
		client(clients + i)
	}
	var found []finding.Finding
	err = m.looks(func(now wire.LedgerAnswer) (done bool) {
		found = finding.Grown(m.Name, before, now, clients)
		return len(found) == 0
	})
	if err != nil {
		g.blind(finding.OracleLedger, err)
		return
	}
	g.found(found...)
}

// heldAtRest returns what is alive on behalf of the module, as soon as two looks see the same: what the last clients have left is then
// freed, or stays.
func (m *Module) heldAtRest() (held wire.LedgerAnswer, err error) {
	var last map[string]int
	err = m.looks(func(now wire.LedgerAnswer) (done bool) {
		held = now
		counts := lasting(now)
		done = last != nil && maps.Equal(last, counts)
		last = counts
		return done
	})
	return held, err
}

// lasting counts the objects of each place, without what the kernel itself keeps for a while.
func lasting(answer wire.LedgerAnswer) map[string]int {
	n := map[string]int{}
	for _, s := range answer.Sites {
		if !s.Protocol {
			n[place(s)] += s.Count
		}
	}
	return n
}

// looks reads what is alive on behalf of the module again and again, each time after the kernel has freed what it has put off, until enough
// says that it is, or the time for things to settle is over: but so often at least as settled looks.
func (m *Module) looks(enough func(now wire.LedgerAnswer) bool) error {
	g := m.g
	req := m.ledgerRequest()
	caches := []string{}
	began := time.Now()
	for looks := 1; ; looks++ {
		if _, err := tryWithin(g, programDeadline, wire.Settle, wire.SettleRequest{Caches: caches}); err != nil {
			return err
		}
		now, err := g.ledger(programDeadline, 0, req)
		if err != nil || enough(now) {
			return err
		}
		if looks >= leastLooks && time.Since(began) > g.settle() {
			return nil
		}
		caches = cachesOf(now.Sites)
	}
}
