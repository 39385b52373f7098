package ledger

import (
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"

	"ktcp/guest/thread"
)

// settleKernel has the kernel do what it has put off, as far as user space can make it: objects freed by call_rcu
// and kfree_rcu, and those that KASAN keeps in quarantine. Whatever does not work is left out; then it takes longer.
func (l *Ledger) settleKernel(caches []string) {
	// Directory entries that were looked up are kept, and with them what they stand for, until memory is asked for. So is
	// what kfree_rcu has collected, for up to 5 s. That the kernel does not log it was asked for at boot.
	_ = os.WriteFile("/proc/sys/vm/drop_caches", []byte("2"), 0)
	rcuBarrier()
	for _, c := range caches {
		_ = os.WriteFile(filepath.Join(l.slabs, c, "shrink"), []byte("1"), 0)
	}
}

// rcuBarrier waits until what was handed to call_rcu before has been called. Newer kernels do it on request. For others
// a grace period is waited for on every CPU in turn: the callback that ends the wait is queued behind those that were there.
func rcuBarrier() {
	if os.WriteFile("/sys/module/rcutree/parameters/do_rcu_barrier", []byte("1"), 0) == nil {
		return
	}
	_ = thread.Run(func() (reuse bool, err error) {
		for cpu := range runtime.NumCPU() {
			var set unix.CPUSet
			set.Set(cpu)
			if unix.SchedSetaffinity(0, &set) == nil {
				_, _, _ = unix.Syscall(unix.SYS_MEMBARRIER, membarrierGlobal, 0, 0)
			}
		}
		return false, nil // it stays bound to the last CPU
	})
}

// membarrierGlobal is MEMBARRIER_CMD_GLOBAL: synchronize_rcu where there is more than one CPU.
const membarrierGlobal = 1 << 0
