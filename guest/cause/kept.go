package cause

import (
	"slices"
	"strings"

	"ktcp/guest/wire"
)

// keeper is something in the kernel that keeps objects of its own which were allocated while it served a module.
type keeper struct {
	cache  string // beginning of the cache's name; "": any
	caller string // a function on the stack, without what the compiler appends to names; "": any
	why    string
}

var keepers = []keeper{
	{cache: "tw_sock_", why: "TIME_WAIT"},
	{cache: "request_sock_", why: "a half-open connection, until it times out"},
	{cache: "tcp_bind", why: "the port of a connection in TIME_WAIT"},
	{cache: "inet_peer_cache", why: "what IP knows of a peer"},
	{caller: "tcp_get_metrics", why: "what TCP knows of a peer"},
	{cache: "ip_dst_cache", why: "a route, cached by its namespace"},
	{cache: "ip6_dst_cache", why: "a route, cached by its namespace"},
	{caller: "net_alloc_generic", why: "the namespace's table of pernet data, which grows and never shrinks"},
	{caller: "net_assign_generic", why: "the same table, grown for a module"},
	{cache: "skbuff_head_cache", caller: "__alloc_skb", why: "each processor's stock of free ones; one in use has its data beside it"},
	{caller: "create_worker", why: "a worker of the kernel's pool"},
	{caller: "alloc_worker", why: "a worker of the kernel's pool"},
	{cache: "radix_tree_node", caller: "__kernfs_new_node", why: "the index of all of sysfs"},
	// Who does not give a reference back is an object that is left, too, or holds up a namespace or a device.
	{caller: "ref_tracker_alloc", why: "the last hundred references that were given back, which the tracker keeps to tell of a second time"},
	{cache: "kmalloc-", caller: "__set_page_owner", why: "the list of stacks that have taken pages, an entry each, from 6.9 on"},
	{caller: "debugfs_slab_add", why: "never freed by kernels before 6.2: the debugfs directory of a cache that was destroyed"},
	{caller: "sysfs_slab_add", why: "never freed where there is no memory for a new cache's entry in sysfs: its name"},
}

// Kept reports whether objects of a site may outlive the module that caused them.
func Kept(cache string, stack []wire.StackFrame) bool {
	return slices.ContainsFunc(keepers, func(k keeper) bool {
		return strings.HasPrefix(cache, k.cache) && (k.caller == "" || calls(stack, k.caller))
	})
}

// calls reports whether one of the kernel's own functions is on the stack. What a module calls its functions excuses
// nothing.
func calls(stack []wire.StackFrame, function string) bool {
	return slices.ContainsFunc(stack, func(f wire.StackFrame) bool {
		name, _, _ := strings.Cut(f.Func, ".")
		return f.Module == "" && name == function
	})
}

// covered are caches whose objects never come alone.
var covered = map[string]string{
	"kernfs_node_cache": "a node's name is allocated with it, from a general cache",
	"inode_cache":       "an inode that is kept is kept by a directory entry or a file",
	"lsm_inode_cache":   "one for each inode, of whatever cache",
}

// Covered reports whether a cache need not be read, because whoever leaks an object of it leaks one of another cache with
// it. Nearly half of all that a kernel has allocated when it is up is in such caches.
func Covered(cache string) bool { return covered[cache] != "" }
