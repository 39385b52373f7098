package finding

import "fmt"

// taints lists the kernel's taint flags by bit, with the letters that the kernel prints for them.
var taints = []struct {
	letter string
	reason string
	// explained lists kinds of findings that set the flag: with one of them there, the flag says nothing new.
	explained []Kind
	baseline  bool // every run of an unsigned module of one's own has it
}{
	0:  {letter: "P", reason: "a module with a proprietary licence was loaded"},
	1:  {letter: "F", reason: "a module was loaded by force"},
	2:  {letter: "S", reason: "the processor is out of its specification"},
	3:  {letter: "R", reason: "a module was unloaded by force"},
	4:  {letter: "M", reason: "the processor reported a machine check"},
	5:  {letter: "B", reason: "memory management met a bad page or a damaged object", explained: []Kind{BadPage, SlabCorruption, SlabLeft, KASAN, KFENCE}},
	6:  {letter: "U", reason: "user space asked for it"},
	7:  {letter: "D", reason: "the kernel has oopsed or hit BUG()", explained: []Kind{Oops, PageFault, Bug, KASAN, StackCorruption, ListCorruption, UserCopy, Panic, SlabCorruption}},
	8:  {letter: "A", reason: "an ACPI table was overridden"},
	9:  {letter: "W", reason: "the kernel has warned", explained: warns},
	10: {letter: "C", reason: "a staging driver was loaded"},
	11: {letter: "I", reason: "the firmware has a bug"},
	12: {letter: "O", reason: "an out-of-tree module was loaded", baseline: true},
	13: {letter: "E", reason: "an unsigned module was loaded", baseline: true},
	14: {letter: "L", reason: "a processor was locked up", explained: []Kind{SoftLockup, HardLockup, RCUStall}},
	15: {letter: "K", reason: "the kernel was live-patched"},
	16: {letter: "X", reason: "the distribution's own flag is set"},
	17: {letter: "T", reason: "the kernel was built with structure randomization"},
	18: {letter: "N", reason: "an in-kernel test was run"},
	19: {letter: "J", reason: "user space used a mutating debug operation"},
}

// warns lists the kinds whose reports go through WARN().
var warns = []Kind{
	Warning, Refcount, DebugObjects, ListCorruption, WorkqueueMisuse, SocketState, DuplicateName, SlabLeft, UserCopy, Lockdep,
	NetdevHeld, DMA, OOM, SchedAtomic, SleepInAtomic, SlabCorruption, Survivor, Splat,
}

// Taints returns a finding for every taint flag of value (as in /proc/sys/kernel/tainted) that is neither in baseline, nor set by loading
// an unsigned out-of-tree module, nor explained by one of the findings.
func Taints(baseline, value uint64, explainedBy []Finding) []Finding {
	var findings []Finding
	for bit := range 64 {
		flag := uint64(1) << bit
		if value&flag == 0 || baseline&flag != 0 {
			continue
		}
		letter, reason := "?", "its meaning is not known to this version"
		if bit < len(taints) {
			t := taints[bit]
			if t.baseline || explains(t.explained, explainedBy) {
				continue
			}
			letter, reason = t.letter, t.reason
		}
		f := New(Taint, OracleLog, "", fmt.Sprintf("the kernel is tainted %s (bit %d): %s", letter, bit, reason))
		f.Class = letter
		f.Fingerprint = Fingerprint(f)
		findings = append(findings, f)
	}
	return findings
}

// explains reports whether one of the findings is of one of the kinds.
func explains(kinds []Kind, findings []Finding) bool {
	for _, f := range findings {
		for _, k := range kinds {
			if f.Kind == k {
				return true
			}
		}
	}
	return false
}
