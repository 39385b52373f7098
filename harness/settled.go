package harness

import (
	"slices"
	"time"

	"ktcp/guest/wire"
)

// leastLooks are taken however late it is: on a busy host a single look can take all the time there was, and one object may hold
// another, which is freed in the next round.
const leastLooks = 3

// settled looks at a ledger. Where there are sites that may still go, the kernel is made to free what it has put off, and the ledger looked
// at again, until there are none, or only what the kernel itself keeps, or the time is over; 0 is one look. Most guests are spared
// that: what was freed by itself meanwhile is no leak. Each look is at all caches: what was put off may itself allocate something.
func settled(limit time.Duration, look func() (wire.LedgerAnswer, error), settle func(caches []string) error) (wire.LedgerAnswer, error) {
	answer, err := look()
	if err != nil || limit == 0 || !unsettled(answer.Sites) {
		return answer, err
	}
	looks := 0
	again := func() (done bool, err error) {
		looks++
		if err = settle(cachesOf(answer.Sites)); err != nil {
			return false, err
		}
		answer, err = look()
		return !unsettled(answer.Sites), err
	}
	err = await(limit, again)
	for err == nil && looks < leastLooks && unsettled(answer.Sites) {
		_, err = again()
	}
	return answer, err
}

// unsettled reports whether there is a site that may still go.
func unsettled(sites []wire.Site) bool {
	return slices.ContainsFunc(sites, func(s wire.Site) bool { return !s.Protocol })
}

// cachesOf returns the caches that the sites are in, each once.
func cachesOf(sites []wire.Site) []string {
	names := []string{}
	for _, s := range sites {
		names = append(names, s.Cache)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
