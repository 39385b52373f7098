package wire

import "time"

// LedgerRequest asks which slab objects that are alive were allocated on behalf of a module. Name matches
// frames of a module that is loaded; Text matches the bare addresses that are left after it was unloaded.
type LedgerRequest struct {
	Name string  `json:"name"`
	Text []Range `json:"text"`
	// Init is the text of init, of each time that the module was loaded. Its memory was given to others as soon as init had
	// returned, so an allocation that passes through it is the module's only if it was made before that.
	Init []InitText `json:"init,omitempty"`
	// Since leaves out what was allocated before that guest time on CLOCK_MONOTONIC: before the module was loaded, its text belonged
	// to others, such as the init text of modules that were loaded at boot.
	Since time.Duration `json:"since,omitempty"`
}

// SettleRequest has the kernel free what it has put off, such as what RCU frees, as far as user space can make it.
type SettleRequest struct {
	// Caches are slab caches that are also to give up what they keep in reserve, or in KASAN's quarantine.
	Caches []string `json:"caches,omitempty"`
}

// InitText is where a module's init was, and when it ran, in guest time on CLOCK_MONOTONIC.
type InitText struct {
	Range
	From  time.Duration `json:"from"`
	Until time.Duration `json:"until"`
}

// Range is a half-open range of kernel addresses.
type Range struct {
	Start uint64 `json:"start"`
	End   uint64 `json:"end"`
}

// LedgerAnswer is the state of the ledger.
type LedgerAnswer struct {
	// Caches is the number of caches with allocation traces that were read. Zero means that the kernel keeps
	// none: the oracle cannot run, which is a finding.
	Caches int    `json:"caches"`
	Sites  []Site `json:"sites"`
	// Netns is the number of network namespaces beside the initial one that exist or have not been destroyed yet: those
	// that the agent made. -1 where unknown.
	Netns int `json:"netns"`
}

// BesideAnswer is the state of the ledger as far as it is about memory that is not the slab's.
type BesideAnswer struct {
	// Areas are those of vmalloc that may be the module's: whether an area that init text called for is, the slab's objects tell.
	Areas []Site `json:"areas,omitempty"`
	// PerCPU is the module's own.
	PerCPU []Site `json:"per_cpu,omitempty"`
}

// Site is one allocation site with live objects.
type Site struct {
	Cache string       `json:"cache"`
	Count int          `json:"count"`
	Size  int          `json:"size"` // bytes per object
	Stack []StackFrame `json:"stack"`
	// AgeMin and AgeMax are the ages of the youngest and oldest object, in guest time.
	AgeMin time.Duration `json:"age_min"`
	AgeMax time.Duration `json:"age_max"`
	// Protocol tells that the objects are of a kind that the kernel itself keeps for a while, or for ever, after everything
	// is closed: TIME_WAIT and its bind buckets, half-open requests, what it knows of peers, cached routes, shared tables.
	Protocol bool `json:"protocol,omitempty"`
}

// StackFrame is one entry of a kernel stack as the guest printed it.
type StackFrame struct {
	Func   string `json:"func,omitempty"`   // "kweb_start"; empty for a bare address
	Offset uint64 `json:"offset,omitempty"` // into Func, of the return address
	Size   uint64 `json:"size,omitempty"`   // of Func
	Module string `json:"module,omitempty"`
	Addr   uint64 `json:"addr,omitempty"` // where the kernel gave only an address
}

// SurvivorsAnswer is a snapshot of everything that could outlive a module.
type SurvivorsAnswer struct {
	Threads []Thread `json:"threads"` // kernel threads
	Sockets []Socket `json:"sockets"` // TCP sockets of every namespace that the agent knows
	Sysfs   []string `json:"sysfs"`   // directories and files below /sys/kernel, /sys/module, /sys/class ...
	Proc    []string `json:"proc"`    // entries of /proc and /proc/net that are no processes
	Netns   int      `json:"netns"`   // as in [LedgerAnswer]
	// Destroying says that the kernel is destroying namespaces at this moment: those that are counted may be among them.
	Destroying bool `json:"destroying,omitempty"`
}

// LiveNetnsAnswer is how many network namespaces live beside the initial one.
type LiveNetnsAnswer struct {
	Live int `json:"live"`
}

// SocketsRequest says whether those of the initial namespace are asked for, too.
type SocketsRequest struct {
	Initial bool `json:"initial,omitempty"`
}

// SocketsAnswer is the TCP sockets of every namespace that the agent has made. One that a module forgot holds no reference to its namespace: when
// that is gone, nobody sees it any more.
type SocketsAnswer struct {
	Sockets []Socket `json:"sockets"`
}

// Thread is a kernel thread.
type Thread struct {
	PID   int    `json:"pid"`
	Comm  string `json:"comm"`
	State string `json:"state"` // R, S, D ...
	Stack string `json:"stack,omitempty"`
	// Heeds is the mask of the signals that a worker of the kernel's pools does not ignore, in hexadecimal: all of them ignore all
	// signals, unless somebody's work has changed that and left it so. Empty for others, and for workers that are as they should be.
	Heeds string `json:"heeds,omitempty"`
	// Blocks is the mask of the signals that such a worker blocks: all of them block none, unless somebody's work has changed that.
	Blocks string `json:"blocks,omitempty"`
}

// Socket is a TCP socket.
type Socket struct {
	Netns  string `json:"netns,omitempty"`
	State  string `json:"state"` // LISTEN, ESTABLISHED, TIME_WAIT ...
	Local  string `json:"local"`
	Remote string `json:"remote"`
	Inode  uint64 `json:"inode"`
	// Agent tells that the socket belongs to the agent: one of its clients or listeners.
	Agent bool `json:"agent,omitempty"`
}

// KmemleakAnswer is what the kernel's scan found of all that was there when it was asked for.
type KmemleakAnswer struct {
	Text string        `json:"text"` // /sys/kernel/debug/kmemleak
	Scan time.Duration `json:"scan"` // guest time that one scan took
	// Jiffies is what the kernel counted at the guest time Now on CLOCK_MONOTONIC: it tells in jiffies when an object was made.
	Jiffies uint64        `json:"jiffies"`
	Now     time.Duration `json:"now"`
}

// IdleRequest asks whether the processors come to rest.
type IdleRequest struct {
	Window time.Duration `json:"window"` // how long is looked at a time, in guest time
	Limit  time.Duration `json:"limit"`  // how long they may take to come to rest
}

// IdleAnswer tells whether they did.
type IdleAnswer struct {
	Busy    bool     `json:"busy,omitempty"`    // they did not
	Running float64  `json:"running"`           // how many processors ran in the quietest window, on average
	Threads []Thread `json:"threads,omitempty"` // the kernel threads that wanted to run, where it is busy
}
