package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
)

// fingerprintFrames is how many telling frames make a fingerprint: enough to tell two callers of one helper apart,
// few enough that the way into the kernel does not matter.
const fingerprintFrames = 3

// generic matches functions that say how something was noticed, allocated or scheduled, not what went wrong.
var generic = regexp.MustCompile(`^(?:` +
	`dump_stack\w*|show_stack|print_report|print_address_description|print_circular_bug|check_noncircular|` +
	`__?warn\w*|report_bug|fixup_bug|handle_bug|do_error_trap|exc_\w+|asm_\w+|die\w*|__die\w*|oops_end|page_fault_oops|` +
	`bad_area\w*|do_user_addr_fault|handle_mm_fault|do_trap|do_invalid_op|panic|nmi_panic|` +
	`k(?:asan|csan|msan|fence|memleak)_\w+|__k(?:asan|csan|msan|fence)_\w+|__asan_\w+|__tsan_\w+|__ubsan_\w+|ubsan_\w+|` +
	`check_memory_region|kfree\w*|__kfree\w*|k[mzcv]*alloc\w*|__k[mzcv]*alloc\w*|kmem_cache_\w+|__kmem_cache_\w+|slab_\w+|` +
	`__slab_\w+|___slab_\w+|krealloc\w*|kstrdup\w*|kmemdup\w*|__vmalloc\w*|vmalloc\w*|vfree\w*|__alloc_pages\w*|alloc_pages\w*|` +
	`object_err|slab_err|free_debug_processing|free_to_partial_list|set_track\w*|track_\w+|stack_trace_\w+|` +
	`refcount_warn_saturate|__list_\w+_valid\w*|debug_object\w*|__debug_object\w*|debug_print_object|debug_check_\w+|` +
	`lock_acquire\w*|__lock_acquire|lock_release\w*|lockdep_\w+|__might_\w+|might_\w+|_raw_\w+lock\w*|__raw_\w+lock\w*|` +
	`queued_spin_lock\w*|native_queued_\w+|mutex_lock\w*|__mutex_lock\w*|__schedule\w*|schedule\w*|preempt_schedule\w*|` +
	`io_schedule\w*|wait_for_completion\w*|__wait_for_common|do_wait_for_common|` +
	`process_one_work|process_scheduled_works|worker_thread|kthread|kthread_\w+|ret_from_fork\w*|` +
	`rest_init|arch_call_rest_init|start_kernel|x86_64_start_\w+|secondary_startup_64\w*|start_secondary|cpu_startup_entry|do_idle|default_idle\w*|` +
	`native_safe_halt|amd_e400_idle|pv_native_safe_halt|arch_cpu_idle|cpuidle_\w+|msleep\w*|usleep_range\w*|schedule_timeout\w*|` +
	`call_timer_fn|expire_timers|__run_timers\w*|run_timer_\w+|__do_softirq|handle_softirqs|do_softirq\w*|irq_exit\w*|__irq_exit\w*|` +
	`sysvec_\w+|__sysvec_\w+|rcu_core\w*|rcu_do_batch|x64_sys_call|do_syscall_64|entry_SYSCALL_64\w*|syscall_\w+|ret_from_\w+|` +
	`do_one_initcall|do_init_module|load_module|__do_sys_\w+|__x64_sys_\w+|__se_sys_\w+|ksys_\w+|delete_module|` +
	`idempotent_init_module|init_module_from_file|rwsem_\w+|down_\w+|__down_\w+` +
	`)$`)

// waiting matches functions that every task that waits for something is in.
var waiting = regexp.MustCompile(`^(?:__schedule\w*|schedule\w*|preempt_schedule\w*|io_schedule\w*|context_switch|` +
	`\w*wait_for_common\w*|do_wait_for_common|wait_for_completion\w*|__switch_to\w*)$`)

// Fingerprint computes what [Finding.Fingerprint] holds, from the kind, the class, the module and the first telling
// functions of the stack; where there are none, from the title without its numbers. Neither offsets nor lines take part, but for the
// line that a leak was allocated at: a function may allocate twice and forget both.
func Fingerprint(f Finding) string {
	parts := []string{string(f.Oracle), string(f.Kind), f.Class}
	if f.Kind == SlabLeft {
		// The kernel says it twice, from two functions, and neither stack passes through the module: the cache is what counts.
		return digest(parts)
	}
	parts = append(parts, f.Module)
	names := telling(f.Stack)
	if len(names) == 0 {
		names = []string{unnumbered(f.Title)}
	}
	if at := f.Location; at != nil && at.Line > 0 && (f.Oracle == OracleLedger || f.Oracle == OracleKmemleak) {
		names = append(names, at.File+":"+strconv.Itoa(at.Line))
	}
	return digest(append(parts, names...))
}

// digest returns twelve hexadecimal digits that stand for the parts.
func digest(parts []string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:6])
}

// telling returns the functions that identify a stack.
func telling(stack []Frame) []string {
	var names []string
	for _, f := range stack {
		// Inlining is the compiler's choice: it differs between kernels and must not tell two sightings apart.
		if f.Unreliable || f.Inlined || f.Func == "" || f.Module == "" && generic.MatchString(plainName(f.Func)) {
			continue
		}
		names = append(names, f.Module+":"+plainName(f.Func))
		if len(names) == fingerprintFrames {
			break
		}
	}
	return names
}

// cloneSuffix matches what the compiler adds to the name of a function that it specialised or split.
var cloneSuffix = regexp.MustCompile(`(?:\.(?:isra|constprop|part|cold|llvm)(?:\.\d+)*)+$`)

// plainName returns the name of a function as its author wrote it.
func plainName(fn string) string { return cloneSuffix.ReplaceAllString(fn, "") }

// number matches addresses, counts and everything else that differs from sighting to sighting.
var number = regexp.MustCompile(`0x[0-9a-f]+|\b[0-9a-f]{8,}\b|\d+`)

// unnumbered returns text with every number replaced.
func unnumbered(text string) string { return number.ReplaceAllString(text, "N") }
