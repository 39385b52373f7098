package finding

import (
	"fmt"

	"ktcp/guest/wire"
)

// growthShare is which part of the clients must have left an object each, so that it counts: those that leave one are perhaps only the ones that
// break off, and what the kernel itself keeps more of grows by one or two.
const growthShare = 4

// Grown returns what there is more of after so many clients have come and gone than there was before them, one finding per allocation
// site, while the module stays loaded. Both ledgers must have been read after the kernel had freed what it had put off. One that read
// no cache is [Blind].
func Grown(module string, before, after wire.LedgerAnswer, clients int) []Finding {
	if before.Caches == 0 || after.Caches == 0 {
		return []Finding{Blind(OracleLedger, errNoLedger)}
	}
	had := map[string]int{}
	for _, s := range before.Sites {
		had[siteKey(s)] += s.Count
	}
	var order []string
	sites := map[string][]wire.Site{}
	for _, s := range after.Sites {
		if toleratedSite(s) {
			continue
		}
		key := siteKey(s)
		if sites[key] == nil {
			order = append(order, key)
		}
		sites[key] = append(sites[key], s)
	}
	var findings []Finding
	for _, key := range order {
		more := -had[key]
		for _, s := range sites[key] {
			more += s.Count
		}
		if more < max(1, clients/growthShare) {
			continue
		}
		first := sites[key][0]
		f := New(Growth, OracleLedger, module, "")
		f.Class, f.Stack, f.Objects, f.Bytes = first.Cache, wireFrames(first.Stack), more, int64(more)*int64(first.Size)
		f.Title = fmt.Sprintf("%s more, %s of %s, after %d more clients that have come and gone",
			plural(more, "object"), plural(int(f.Bytes), "byte"), f.Class, clients)
		for _, s := range sites[key] {
			f.Excerpt = append(f.Excerpt, siteLine(s))
		}
		_, f.Location = blame(&f)
		f.Fingerprint = Fingerprint(f)
		findings = append(findings, f)
	}
	return findings
}

// siteKey identifies an allocation site: where, and in which cache.
func siteKey(s wire.Site) string { return fmt.Sprint(s.Cache, s.Stack) }
