// Package netns holds the agent's network namespaces: named ones that are bind-mounted under /run/netns as ip-netns(8)
// does it, each with lo up and with a sysfs of its own, since sysfs shows the namespace that it was mounted from.
//
// Its contract: a thread that is not inside [Table.Do] is in the initial namespace. After [Table.Delete] the table
// refers to a namespace in no way that could keep it alive: only what was opened in it does, and a Do that has not yet
// returned. Whether it died is known from the kernel and not guessed: each namespace has a number (nsid) in the initial
// one, which the kernel takes away when the last reference is gone and destruction begins, and the workqueue "netns"
// is busy until destruction has ended. Counting objects of the cache net_namespace would not do, since the kernel keeps
// the memory of a dead one until the next one dies.
package netns
