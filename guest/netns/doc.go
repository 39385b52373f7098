// Package netns holds the agent's network namespaces: named ones that are bind-mounted under /run/netns as ip-netns(8)
// does it, each with lo up and with a sysfs of its own, since sysfs shows the namespace that it was mounted from.
//
// Its contract: a thread that is not inside [Table.Do] is in the initial namespace. After [Table.Delete] the agent
// refers to a namespace only through what its caller holds ([Table.Hold]): connections, loads, a Do that has not yet
// returned. The sysfs mount takes only a passive reference, which keeps the memory of struct net but lets the namespace
// die; it is unmounted nevertheless, so that the number of live namespaces can be counted.
package netns
