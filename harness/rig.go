package harness

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"ktcp/harness/cache"
	"ktcp/harness/image"
	"ktcp/harness/introspect"
	"ktcp/harness/kernel"
	"ktcp/harness/report"
	"ktcp/harness/subject"
	"ktcp/harness/vm"
)

// Parameters of the kernel for the ledger.
const (
	// ledgerParameter has SLUB remember who allocated each object.
	ledgerParameter = "slub_debug=U"
	// pagesParameter has a kernel with CONFIG_PAGE_OWNER remember who allocated each page.
	pagesParameter = "page_owner=on"
)

// pageOwner is the option of kernels that can note who owns pages.
const pageOwner = "CONFIG_PAGE_OWNER"

// readsOwners reports whether it is noted who owns pages: where the kernel can, and the host reads the ledger from outside, as only it does. A kernel
// that prints its ledger must not, see [PrintedLedger].
func (r *rig) readsOwners() bool {
	return r.kernel.Config[pageOwner] == "y" && introspect.Learnable(r.kernel) && vm.MemoryReadable()
}

// rig is what all guests of a process share.
type rig struct {
	ctx     context.Context // ends with an interrupt
	cache   *cache.Dir
	kernel  *kernel.Kernel
	modules string // the directory of the reference modules
	spec    vm.Spec
	run     *report.Recorder

	stranger *subject.Stranger      // whom this process judges, nil: the modules of this tree
	unfit    atomic.Pointer[string] // why the stranger cannot be judged at all

	passes    *passes // nil where nobody asks for them
	baselines baselines
	ledgers   ledgers

	busy   sync.WaitGroup // what ends by itself, and cleans up, when ctx does
	mu     sync.Mutex
	guests map[*vm.Guest]struct{}
}

// FlavorVariable is the environment variable that names the kernel's flavor: stock, kasan, kcsan.
const FlavorVariable = "FLAVOR"

// provisioned tells that shared was called.
var provisioned atomic.Bool

// shared provisions once per process: the kernel that KERNEL and FLAVOR name, the agent's image, the accelerator and the
// template. All of it comes from the cache when nothing has changed.
var shared = sync.OnceValues(func() (*rig, error) {
	provisioned.Store(true)
	r := &rig{guests: map[*vm.Guest]struct{}{}}
	r.ctx = r.untilInterrupted()
	r.busy.Add(1)
	defer r.busy.Done()
	root, err := projectRoot()
	if err != nil {
		return nil, err
	}
	if r.modules = os.Getenv(ModulesVariable); r.modules == "" {
		r.modules = filepath.Join(root, "module")
	}
	if r.stranger, err = subject.FromEnvironment(); err != nil {
		return nil, err
	}
	if r.cache, err = cache.Open(); err != nil {
		return nil, err
	}
	if r.kernel, err = kernel.Provision(r.ctx, kernel.Spec{
		Want: os.Getenv("KERNEL"), Flavor: os.Getenv(FlavorVariable), Cache: r.cache, MayBuild: timeToBuild, Logf: Logf,
	}); err != nil {
		return nil, err
	}
	img, err := image.Build(r.ctx, image.Spec{Kernel: r.kernel, Cache: r.cache, Logf: Logf})
	if err != nil {
		return nil, err
	}
	r.spec = vm.Spec{
		Kernel: r.kernel, Image: img, Cache: r.cache, Logf: Logf,
		// The ledger: SLUB remembers who allocated each object, with the whole stack.
		Append: []string{ledgerParameter},
	}
	if r.run, err = report.Open(report.Config{Root: root}); err != nil {
		return nil, err
	}
	if r.passes, err = r.openPasses(); err != nil {
		return nil, err
	}
	return r, nil
})

// buildTime is what building a kernel takes on a slow machine, in wall time.
const buildTime = time.Hour

// timeToBuild returns an error where go test would end this process, with all that it has done, before a kernel is built.
func timeToBuild() error {
	f := flag.Lookup("test.timeout")
	if f == nil {
		return nil
	}
	limit, ok := f.Value.(flag.Getter).Get().(time.Duration)
	if !ok || limit == 0 || limit >= buildTime {
		return nil
	}
	return fmt.Errorf("that takes longer than the %v that go test has (-timeout); run first: go run . kernels get %s",
		limit, os.Getenv(FlavorVariable))
}

// untilInterrupted returns a context that ends with SIGINT, SIGTERM or SIGHUP. The guests are then killed, their
// files removed, and the process exits as a shell expects: nothing is left behind for the user to clean up.
func (r *rig) untilInterrupted() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	if owner := os.Getenv(report.OwnerVariable); owner != "" {
		go func() {
			awaitOwner(owner)
			signals <- syscall.SIGTERM
		}()
	}
	go func() {
		s := <-signals
		Logf("%v: stopping", s)
		cancel()
		r.awaitIdle(cleanupDeadline)
		r.mu.Lock() // for good: no guest is adopted any more
		for g := range r.guests {
			_ = g.Close()
		}
		code := 1
		if n, ok := s.(syscall.Signal); ok {
			code = 128 + int(n)
		}
		os.Exit(code)
	}()
	return ctx
}

// awaitOwner returns when the process of that PID has ended. Where that cannot be waited for, it never does.
func awaitOwner(pid string) {
	n, err := strconv.Atoi(pid)
	if err != nil {
		Logf("%s=%s is no process", report.OwnerVariable, pid)
		select {}
	}
	fd, err := unix.PidfdOpen(n, 0)
	if errors.Is(err, unix.ESRCH) {
		return // it has ended before we looked
	}
	if err != nil {
		select {} // a kernel without pidfd: an interrupt still ends this process
	}
	defer unix.Close(fd)
	for {
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
		if ready == 1 && err == nil {
			return
		}
	}
}

// cleanupDeadline is how long what was interrupted may take to remove its temporary files, in wall time.
const cleanupDeadline = 5 * time.Second

// awaitIdle waits until nothing is being built or provisioned any more.
func (r *rig) awaitIdle(limit time.Duration) {
	idle := make(chan struct{})
	go func() {
		defer close(idle)
		r.busy.Wait()
	}()
	select {
	case <-idle:
	case <-time.After(limit):
	}
}

// adopt makes the rig the owner of a guest until it is disowned.
func (r *rig) adopt(g *vm.Guest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.guests[g] = struct{}{}
}

// disown closes a guest and forgets it.
func (r *rig) disown(g *vm.Guest) error {
	err := g.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.guests, g)
	return err
}

// explain turns an error of the rooms below into one that a user can act on: the one line first, then output that
// belongs to it, such as a compiler's.
func explain(err error) error {
	var detailed interface{ Detail() string }
	if errors.As(err, &detailed) && detailed.Detail() != "" {
		return fmt.Errorf("%w\n%s", err, detailed.Detail())
	}
	return err
}
