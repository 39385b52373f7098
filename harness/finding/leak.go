package finding

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"ktcp/guest/wire"
)

// tolerance is something that may outlive a module, and why.
type tolerance struct {
	Pattern *regexp.Regexp
	Reason  string
}

// What the ledger may show after a module is gone, by cache and by function of the kernel on the stack, beside what the agent
// marks as kept by TCP itself: TIME_WAIT and the port that it holds, half-open requests, TCP's memory of its peers.
var (
	toleratedCaches = []tolerance{
		{regexp.MustCompile(`^ip6?_dst_cache$`), "routes are cached by the namespace that they were looked up in"},
	}
	toleratedFuncs = []tolerance{
		{regexp.MustCompile(`^debugfs_slab_add$`), "SLUB's own debugfs directory of a cache: 6.1 keeps its dentry when the cache is destroyed"},
		{regexp.MustCompile(`^net_(?:alloc|assign)_generic$`), "the namespace's table of pernet data grows and never shrinks"},
		{regexp.MustCompile(`^(?:tcp_send_fin|tcp_send_active_reset|tcp_sendmsg_locked|(?:tcp|sk)_stream_alloc_skb)$`),
			"data and FIN that TCP has yet to deliver after the owner has closed; a socket that was not released is itself in the ledger"},
		{regexp.MustCompile(`^(?:create|alloc)_worker$`), "a worker belongs to the kernel's pool, which keeps it for a while"},
	}
)

var errNoLedger = errors.New("the kernel keeps no allocation traces (slub_debug=U is not in effect)")

// Leaks returns what the ledger says is still allocated on behalf of the module, one finding per allocation site. A
// ledger that read no cache is [Blind]. The stacks hold bare addresses once the module is gone: [Symbolize] names them.
func Leaks(module string, answer wire.LedgerAnswer) []Finding {
	if answer.Caches == 0 {
		return []Finding{Blind(OracleLedger, errNoLedger)}
	}
	var findings []Finding
	at := map[string]int{}
	for _, s := range answer.Sites {
		if toleratedSite(s) {
			continue
		}
		key := s.Cache + fmt.Sprint(s.Stack)
		i, seen := at[key]
		if !seen {
			i = len(findings)
			at[key] = i
			findings = append(findings, Finding{
				Kind: Leak, Class: s.Cache, Oracle: OracleLedger, Module: module, Stack: wireFrames(s.Stack), Count: 1,
			})
		}
		f := &findings[i]
		f.Objects += s.Count
		f.Bytes += int64(s.Count) * int64(s.Size)
		f.Excerpt = append(f.Excerpt, siteLine(s))
	}
	for i := range findings {
		f := &findings[i]
		f.Title = leakTitle(f)
		_, f.Location = blame(f)
		f.Fingerprint = Fingerprint(*f)
	}
	return findings
}

// leakTitle says how much was left.
func leakTitle(f *Finding) string {
	return fmt.Sprintf("%s, %s of %s never freed", plural(f.Objects, "object"), plural(int(f.Bytes), "byte"), f.Class)
}

// addLeak adds a leak of the same place to f.
func addLeak(f *Finding, more Finding) {
	f.Objects += more.Objects
	f.Bytes += more.Bytes
	f.Excerpt = append(slices.Clip(f.Excerpt), more.Excerpt...)
	f.Title = leakTitle(f)
}

// siteLine returns the ledger's entry as text.
func siteLine(s wire.Site) string {
	if s.AgeMax == 0 { // the kernel does not know it
		return fmt.Sprintf("%s: %s of %s", s.Cache, plural(s.Count, "object"), plural(s.Size, "byte"))
	}
	age := s.AgeMin.Round(time.Millisecond).String()
	if s.AgeMax != s.AgeMin {
		age += " to " + s.AgeMax.Round(time.Millisecond).String()
	}
	return fmt.Sprintf("%s: %s of %s, age %s", s.Cache, plural(s.Count, "object"), plural(s.Size, "byte"), age)
}

// toleratedSite reports whether objects of a site may outlive the module.
func toleratedSite(s wire.Site) bool {
	if s.Protocol || tolerated(toleratedCaches, s.Cache) {
		return true
	}
	for _, f := range s.Stack {
		// What the module's own functions are called does not excuse them.
		if f.Module == "" && f.Func != "" && tolerated(toleratedFuncs, plainName(f.Func)) {
			return true
		}
	}
	return false
}

// tolerated reports whether a name matches the table.
func tolerated(table []tolerance, name string) bool {
	for _, t := range table {
		if t.Pattern.MatchString(name) {
			return true
		}
	}
	return false
}

// list returns names as text: "a", "a and b", "a, b and c".
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
