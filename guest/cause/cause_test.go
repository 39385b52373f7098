package cause

import (
	"fmt"
	"strings"
	"testing"

	"ktcp/guest/wire"
)

// stack reads frames from lines as the kernel prints them.
func stack(lines string) []wire.StackFrame {
	var frames []wire.StackFrame
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line != "" {
			frames = append(frames, frame(line))
		}
	}
	return frames
}

// frame reads one line, without the numbers after a function's name.
func frame(line string) wire.StackFrame {
	var f wire.StackFrame
	if _, err := fmt.Sscanf(line, "0x%x", &f.Addr); err == nil {
		return f
	}
	place, module, _ := strings.Cut(line, " [")
	f.Func, _, _ = strings.Cut(place, "+")
	f.Module = strings.TrimSuffix(module, "]")
	return f
}

func TestCaused(t *testing.T) {
	m := Module{Name: "kweb", Text: []wire.Range{{Start: 0xffffffffc0400000, End: 0xffffffffc0402000}}}
	for _, tt := range []struct {
		name, stack string
		want        bool
	}{
		{"loaded", "kmalloc_trace+0x27/0x40\nkweb_start+0x40/0x120 [kweb]\nvfs_write+0x10/0x20", true},
		{"another's", "kmalloc_trace+0x27/0x40\nkwebby_start+0x40/0x120 [kwebby]", false},
		{"the kernel's", "kmalloc_trace+0x27/0x40\nvfs_write+0x10/0x20", false},
		{"unloaded", "kmalloc_trace+0x27/0x40\n0xffffffffc0400123\nvfs_write+0x10/0x20", true},
		{"first address", "0xffffffffc0400000", true},
		{"past the end", "0xffffffffc0402000", false},
		{"a callback in softirq", "__kmalloc+0x1/0x2\nkweb_data_ready+0x1/0x2 [kweb]\ntcp_rcv+0x1/0x2\nhandle_softirqs+0x1/0x2\ndo_idle+0x1/0x2", true},
		{
			"a receiver's softirq atop the module's send",
			"sk_prot_alloc+0x1/0x2\ntcp_v4_rcv+0x1/0x2\nnet_rx_action+0x1/0x2\n__do_softirq+0x1/0x2\ndo_softirq.part.0+0x1/0x2\n" +
				"__local_bh_enable_ip+0x1/0x2\ntcp_sendmsg+0x1/0x2\nkweb_reply+0x1/0x2 [kweb]", false,
		},
		{"the same in 6.12", "tcp_v4_rcv+0x1/0x2\nhandle_softirqs.isra.0+0x1/0x2\n0xffffffffc0400123", false},
		{"an interrupt", "__kmalloc+0x1/0x2\nasm_sysvec_apic_timer_interrupt+0x1/0x2\nkweb_loop+0x1/0x2 [kweb]", false},
		{"a device's interrupt", "__kmalloc+0x1/0x2\nasm_common_interrupt+0x1/0x2\nkweb_loop+0x1/0x2 [kweb]", false},
		{"ksoftirqd", "__kmalloc+0x1/0x2\nrun_ksoftirqd+0x1/0x2\nkthread+0x1/0x2", false},
	} {
		if got := m.caused(stack(tt.stack)); got != tt.want {
			t.Errorf("%s: caused = %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestKept(t *testing.T) {
	for _, tt := range []struct {
		cache, stack string
		want         bool
	}{
		{"tw_sock_TCP", "inet_twsk_alloc+0x1/0x2", true},
		{"tw_sock_TCPv6", "inet_twsk_alloc+0x1/0x2", true},
		{"TCP", "sk_prot_alloc+0x1/0x2", false},
		{"kmalloc-192", "tcp_get_metrics+0x1/0x2", true},
		{"kmalloc-192", "tcp_get_metrics+0x1/0x2 [kweb]", false},
		{"kmalloc-192", "tcp_get_metrics.part.0+0x1/0x2", true},
		{"radix_tree_node", "idr_alloc_cyclic+0x1/0x2\n__kernfs_new_node+0x1/0x2", true},
		{"radix_tree_node", "xa_store+0x1/0x2\nkweb_start+0x1/0x2 [kweb]", false},
		{"kmalloc-8", "kstrdup+0x1/0x2\n__kernfs_new_node+0x1/0x2", false},
		{"kmalloc-32", "ref_tracker_alloc+0x1/0x2\nsk_alloc+0x1/0x2", true},
		{"kmalloc-16", "__set_page_owner+0x1/0x2\npost_alloc_hook+0x1/0x2\nkweb_start+0x1/0x2 [kweb]", true},
		{"kmalloc-16", "kstrdup+0x1/0x2\nsysfs_slab_add+0x1/0x2", true},
		{"kmem_cache", "kmem_cache_create+0x1/0x2\nkweb_init+0x1/0x2 [kweb]", false},
		{"skbuff_head_cache", "__alloc_skb+0x1/0x2", true},
		{"skbuff_head_cache", "skb_clone+0x1/0x2", false},
		{"kmalloc-512", "kmalloc_reserve+0x1/0x2\n__alloc_skb+0x1/0x2", false}, // the data of one in use
	} {
		if got := Kept(tt.cache, stack(tt.stack)); got != tt.want {
			t.Errorf("%s from %q: kept = %v, want %v", tt.cache, tt.stack, got, tt.want)
		}
	}
	for _, k := range keepers {
		if k.cache == "" && k.caller == "" || k.why == "" {
			t.Errorf("keeper %+v keeps everything, or for no reason", k)
		}
	}
}
