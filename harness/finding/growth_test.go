package finding

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ktcp/guest/wire"
)

func TestGrown(t *testing.T) {
	visit := stackOf("kmalloc_trace", "visit_note@kweb", "process_one_work")
	site := func(cache string, count int, stack []wire.StackFrame) wire.Site {
		return wire.Site{Cache: cache, Count: count, Size: 32, Stack: stack}
	}
	protocol := site("tw_sock_TCP", 60, visit)
	protocol.Protocol = true
	const clients = 60
	tests := []struct {
		name          string
		before, after []wire.Site
		want          []summary
	}{
		{"nothing at all", nil, nil, nil},
		{"what it serves with", []wire.Site{site("kmalloc-32", 5, visit)}, []wire.Site{site("kmalloc-32", 5, visit)}, nil},
		{"less than before", []wire.Site{site("kmalloc-32", 60, visit)}, nil, nil},
		{
			"one for each client", []wire.Site{site("kmalloc-32", 60, visit)}, []wire.Site{site("kmalloc-32", 120, visit)},
			[]summary{{Growth, "kmalloc-32", "kweb", "60 objects more, 1920 bytes of kmalloc-32, after 60 more clients that have come and gone", "visit_note", 1}},
		},
		{
			"of those who break off only", nil, []wire.Site{site("kmalloc-32", 15, visit)},
			[]summary{{Growth, "kmalloc-32", "kweb", "15 objects more, 480 bytes of kmalloc-32, after 60 more clients that have come and gone", "visit_note", 1}},
		},
		{"one or two that the kernel keeps", nil, []wire.Site{site("kmalloc-32", 2, visit)}, nil},
		{
			"one place in two lines of the ledger", []wire.Site{site("kmalloc-32", 60, visit)},
			[]wire.Site{site("kmalloc-32", 80, visit), site("kmalloc-32", 40, visit)},
			[]summary{{Growth, "kmalloc-32", "kweb", "60 objects more, 1920 bytes of kmalloc-32, after 60 more clients that have come and gone", "visit_note", 1}},
		},
		{
			"two places", nil, []wire.Site{site("kmalloc-32", 10, visit), site("kmalloc-64", 10, visit)}, nil,
		},
		{"TIME_WAIT", nil, []wire.Site{protocol}, nil},
		{"cached routes", nil, []wire.Site{site("ip_dst_cache", 60, visit)}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Grown("kweb", wire.LedgerAnswer{Caches: 100, Sites: tt.before}, wire.LedgerAnswer{Caches: 100, Sites: tt.after}, clients)
			if diff := cmp.Diff(tt.want, summaries(got), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			for _, f := range got {
				if f.Oracle != OracleLedger || f.Objects == 0 || f.Bytes == 0 || len(f.Excerpt) == 0 || len(f.Stack) == 0 {
					t.Errorf("incomplete: %+v", f)
				}
			}
		})
	}
	if got := Grown("kweb", wire.LedgerAnswer{Caches: 100}, wire.LedgerAnswer{}, clients); len(got) != 1 || got[0].Kind != OracleBlind {
		t.Errorf("a kernel without allocation traces: %+v", got)
	}
}
