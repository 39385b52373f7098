package wire

import "time"

// Port is the name of the virtio-serial port, as it stands under /dev/virtio-ports in the guest.
const Port = "ktcp.agent"

// Version changes when host and agent of two builds could misunderstand each other.
const Version = 1

// Op ties an operation's name to its request and its answer.
type Op[Req, Res any] struct{ Name string }

// None stands for an empty request or answer.
type None struct{}

// The operations of the agent. Each answers with an error that carries the guest's errno where there is one.
var (
	// Hello is the first request to every guest, booted or cloned: it sets the clock, reseeds the kernel's
	// random numbers and proves that the guest answers.
	Hello = Op[HelloRequest, HelloAnswer]{"hello"}

	Insmod  = Op[InsmodRequest, InsmodAnswer]{"insmod"}
	Rmmod   = Op[RmmodRequest, RmmodAnswer]{"rmmod"}
	Modules = Op[None, ModulesAnswer]{"modules"}

	ReadFile       = Op[FileRequest, FileAnswer]{"read"}
	WriteFile      = Op[WriteRequest, None]{"write"}
	ListDir        = Op[FileRequest, ListAnswer]{"list"}
	WriteLoopStart = Op[WriteLoopRequest, WriteLoopStartAnswer]{"write-loop-start"}
	WriteLoopWait  = Op[WriteLoopWaitRequest, WriteLoopAnswer]{"write-loop-wait"}

	NetnsAdd    = Op[NetnsRequest, None]{"netns-add"}
	NetnsDelete = Op[NetnsDeleteRequest, NetnsDeleteAnswer]{"netns-delete"}
	NetnsList   = Op[None, NetnsListAnswer]{"netns-list"}
	VethAdd     = Op[VethRequest, None]{"veth-add"}

	Kmsg  = Op[KmsgRequest, KmsgAnswer]{"kmsg"}
	Sysrq = Op[SysrqRequest, None]{"sysrq"}

	Dial      = Op[DialRequest, DialAnswer]{"dial"}
	Listen    = Op[ListenRequest, ListenAnswer]{"listen"}
	Send      = Op[SendRequest, None]{"send"}
	Recv      = Op[RecvRequest, RecvAnswer]{"recv"}
	CloseConn = Op[CloseRequest, None]{"close"}
	CloseAll  = Op[None, CloseAllAnswer]{"close-all"}

	LoadStart = Op[LoadRequest, LoadStartAnswer]{"load-start"}
	LoadStop  = Op[LoadStopRequest, LoadResult]{"load-stop"}

	Ledger    = Op[LedgerRequest, LedgerAnswer]{"ledger"}
	Settle    = Op[SettleRequest, None]{"settle"}
	Beside    = Op[LedgerRequest, BesideAnswer]{"beside"} // the ledger's areas of vmalloc and per-CPU memory, which the host cannot read itself
	Survivors = Op[None, SurvivorsAnswer]{"survivors"}
	Sockets   = Op[SocketsRequest, SocketsAnswer]{"sockets"}
	LiveNetns = Op[None, LiveNetnsAnswer]{"netns-live"}
	Kmemleak  = Op[None, KmemleakAnswer]{"kmemleak"}
	Idle      = Op[IdleRequest, IdleAnswer]{"idle"}
)

// Ready is the body of the one frame that the agent sends unasked: it is up and reads requests.
type Ready struct {
	Version int    `json:"version"`
	Release string `json:"release"` // uname -r
}

// HelloRequest gives a guest its own time and randomness: clones of one template share both until then.
type HelloRequest struct {
	UnixNano int64  `json:"unix_nano"`
	Seed     []byte `json:"seed"` // 32 bytes or more from the host's crypto/rand
}

// HelloAnswer describes the guest.
type HelloAnswer struct {
	Version int           `json:"version"`
	Release string        `json:"release"`
	CPUs    int           `json:"cpus"`
	Uptime  time.Duration `json:"uptime"` // guest time since its kernel booted, in ns
	Log     uint64        `json:"log"`    // sequence number of the next record of the kernel log
}

// InsmodRequest loads a module from its image.
type InsmodRequest struct {
	Name string `json:"name"` // as the kernel will name it: hyphens become underscores
	// Image is the .ko; DWARF may be stripped before it is sent. Without one it is that of the last request with this name:
	// a guest that is emulated takes longer to receive one than to load it.
	Image  []byte `json:"image,omitempty"`
	Params string `json:"params"`          // as on insmod's command line: "host=127.0.0.1 port=80"
	Netns  string `json:"netns,omitempty"` // of the process that loads it
	// Sections are those whose addresses are wanted: reading all, some thirty, takes longer than loading. Nil is all.
	Sections []string `json:"sections,omitempty"`
}

// InsmodAnswer tells where the module's sections are.
type InsmodAnswer struct {
	// Sections maps section names (".text", ".init.text", ".data" ...) to addresses, from
	// /sys/module/NAME/sections. Recorded now because nothing else can name a line after unload. Init sections
	// are listed by the kernel although their memory is gone once init has returned.
	Sections map[string]uint64 `json:"sections"`
	Elapsed  time.Duration     `json:"elapsed"` // guest time that the module's init took
	Since    time.Duration     `json:"since"`   // guest time at which it began, on CLOCK_MONOTONIC
}

// RmmodRequest unloads a module.
type RmmodRequest struct {
	Name     string        `json:"name"`
	Deadline time.Duration `json:"deadline"` // guest time for the module's exit to return; 0 means 10 s
}

// RmmodAnswer tells how unloading went. A module that is in use or whose exit hangs is not an error of the
// operation: Done is false and the other fields say why.
type RmmodAnswer struct {
	Done     bool          `json:"done"`
	Elapsed  time.Duration `json:"elapsed"`
	Errno    int           `json:"errno,omitempty"`    // of delete_module: EWOULDBLOCK when in use
	Refcount int           `json:"refcount,omitempty"` // when not done
	Holders  []string      `json:"holders,omitempty"`  // modules that use it
	Stack    string        `json:"stack,omitempty"`    // kernel stack of the thread that waits in delete_module
	// Inside are the tasks that are in the module's code when it is not done, beside that thread: whom it waits for is among them.
	Inside []Thread `json:"inside,omitempty"`
}

// ModulesAnswer lists loaded modules.
type ModulesAnswer struct {
	Modules []LoadedModule `json:"modules"`
	Taint   uint64         `json:"taint"` // /proc/sys/kernel/tainted
}

// LoadedModule is one line of /proc/modules.
type LoadedModule struct {
	Name     string   `json:"name"`
	Size     int64    `json:"size"`
	Refcount int      `json:"refcount"`
	Holders  []string `json:"holders,omitempty"`
	State    string   `json:"state"` // Live, Loading, Unloading
	Taint    string   `json:"taint,omitempty"`
}

// FileRequest names a file or directory as a process in a namespace would: /sys is the sysfs mounted in that
// namespace and /proc/net is that namespace's.
type FileRequest struct {
	Netns string `json:"netns,omitempty"` // "" is the initial namespace
	Path  string `json:"path"`
}

// FileAnswer is a file's content.
type FileAnswer struct {
	Data []byte `json:"data"`
}

// WriteRequest writes Data with one write(2).
type WriteRequest struct {
	Netns string `json:"netns,omitempty"`
	Path  string `json:"path"`
	Data  []byte `json:"data"`
}

// ListAnswer is a directory's entries, sorted; directories end in a slash.
type ListAnswer struct {
	Names []string `json:"names"`
}

// WriteLoopRequest has Threads threads each write Values in turn, Count times in all per thread, as fast as
// they can: concurrent starts and stops.
type WriteLoopRequest struct {
	Netns   string   `json:"netns,omitempty"`
	Path    string   `json:"path"`
	Values  []string `json:"values"`
	Count   int      `json:"count"`
	Threads int      `json:"threads"`
}

// WriteLoopStartAnswer names a loop that has begun: it has written once, or could not.
type WriteLoopStartAnswer struct {
	Loop int `json:"loop"`
}

// WriteLoopWaitRequest waits for the end of a loop.
type WriteLoopWaitRequest struct {
	Loop int `json:"loop"`
}

// WriteLoopAnswer counts the outcomes.
type WriteLoopAnswer struct {
	OK     int            `json:"ok"`
	Errnos map[int]int    `json:"errnos,omitempty"` // errno → how often
	Texts  map[int]string `json:"texts,omitempty"`  // errno → its text
}

// NetnsRequest names a network namespace.
type NetnsRequest struct {
	Name string `json:"name"`
}

// NetnsDeleteRequest drops every reference that the agent holds to a namespace: its name, its sysfs mount and
// its threads. Connections opened in it (see [Dial]) stay open unless Close is set, and keep it alive as they
// would for any process.
type NetnsDeleteRequest struct {
	Name  string        `json:"name"`
	Close bool          `json:"close"` // also close the connections and loads opened in it
	Wait  time.Duration `json:"wait"`  // how long to wait for the kernel to finish destroying it; 0: do not wait
}

// NetnsDeleteAnswer tells whether the namespace was seen to be gone within Wait.
type NetnsDeleteAnswer struct {
	Gone bool `json:"gone"`
}

// NetnsListAnswer lists the agent's namespaces.
type NetnsListAnswer struct {
	Names []string `json:"names"`
}

// VethRequest connects two namespaces with a veth pair, addresses set and links up.
type VethRequest struct {
	A, B VethEnd
}

// VethEnd is one end of a veth pair.
type VethEnd struct {
	Netns string `json:"netns,omitempty"`
	Name  string `json:"name"` // interface name
	Addr  string `json:"addr"` // CIDR, "10.0.0.1/24"
}

// KmsgRequest asks for the kernel log from a sequence number on.
type KmsgRequest struct {
	Cursor uint64 `json:"cursor"` // first sequence number wanted; 0: from the start
	// Wait is how long, in guest time, the answer may wait for a record where there is none.
	Wait time.Duration `json:"wait,omitempty"`
}

// KmsgAnswer is a part of the kernel log.
type KmsgAnswer struct {
	Records []KmsgRecord `json:"records"`
	Next    uint64       `json:"next"` // the cursor for what comes after
	Lost    bool         `json:"lost"` // the ring buffer overran: records before the first one are missing
}

// KmsgRecord is one record of /dev/kmsg.
type KmsgRecord struct {
	Seq    uint64        `json:"seq"`
	Level  int           `json:"level"` // 0 emerg to 7 debug
	Time   time.Duration `json:"time"`  // since boot
	Caller string        `json:"caller,omitempty"`
	Text   string        `json:"text"`
}

// SysrqRequest presses a magic SysRq key: 't' dumps tasks, 'w' blocked ones, 'd' locks, 'l' CPU backtraces.
type SysrqRequest struct {
	Key string `json:"key"`
}

// DialRequest opens a TCP connection from inside a namespace and keeps it until it is closed.
type DialRequest struct {
	Netns   string        `json:"netns,omitempty"`
	Addr    string        `json:"addr"`            // "127.0.0.1:9999"
	Local   string        `json:"local,omitempty"` // source address, "" for any
	Timeout time.Duration `json:"timeout"`         // guest time; 0 means 5 s
	RcvBuf  int           `json:"rcvbuf,omitempty"`
}

// DialAnswer is the open connection.
type DialAnswer struct {
	Conn   uint64 `json:"conn"`
	Local  string `json:"local"`
	Remote string `json:"remote"`
}

// ListenRequest occupies a port from user space, backlog and all, so that a module finds it in use.
type ListenRequest struct {
	Netns string `json:"netns,omitempty"`
	Addr  string `json:"addr"`
}

// ListenAnswer is the listening socket; [CloseConn] closes it.
type ListenAnswer struct {
	Conn uint64 `json:"conn"`
	Addr string `json:"addr"`
}

// SendRequest writes Data; it returns when the kernel has taken all of it or Timeout has passed.
type SendRequest struct {
	Conn    uint64        `json:"conn"`
	Data    []byte        `json:"data"`
	Timeout time.Duration `json:"timeout"` // 0 means 5 s
}

// RecvRequest reads until Min bytes have come, the peer has closed, or Timeout has passed.
type RecvRequest struct {
	Conn    uint64        `json:"conn"`
	Min     int           `json:"min"` // 0 means 1; -1 means until the peer closes
	Max     int           `json:"max"` // 0 means 1 MiB
	Timeout time.Duration `json:"timeout"`
}

// RecvAnswer is what came. A timeout is an answer too: silence can be what a scenario wants to see.
type RecvAnswer struct {
	Data     []byte `json:"data,omitempty"`
	EOF      bool   `json:"eof,omitempty"`      // the peer sent FIN
	Reset    bool   `json:"reset,omitempty"`    // the peer sent RST
	TimedOut bool   `json:"timedout,omitempty"` // fewer than Min bytes came in time
	Errno    int    `json:"errno,omitempty"`    // any other error of read(2)
}

// CloseMode says how a connection is closed.
type CloseMode string

// The ways to close a connection.
const (
	CloseFIN   CloseMode = "fin"   // close(2)
	CloseReset CloseMode = "reset" // SO_LINGER 0: RST
	CloseWrite CloseMode = "write" // shutdown(SHUT_WR): half-close, the handle stays
)

// CloseRequest closes a connection or a listening socket.
type CloseRequest struct {
	Conn uint64    `json:"conn"`
	Mode CloseMode `json:"mode"`
}

// CloseAllAnswer tells how many handles and loads were still open. Connections are closed with RST, so that nothing of
// them lingers.
type CloseAllAnswer struct {
	Conns int `json:"conns"`
	Loads int `json:"loads"`
}
