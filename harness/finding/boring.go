package finding

import "regexp"

// boringLine is a form of line that looks alarming and is not.
type boringLine struct {
	Pattern *regexp.Regexp
	Reason  string
}

// boring lists lines that a healthy run prints, or that say nothing about a module under test.
var boring = []boringLine{
	{regexp.MustCompile(`: loading out-of-tree module taints kernel`), "every module under test is out of tree"},
	{regexp.MustCompile(`: module verification failed: signature and/or required key missing`), "modules under test are not signed"},
	{regexp.MustCompile(`: module license .* taints kernel`), "a matter of the licence; it shows as a taint flag"},
	{regexp.MustCompile(`Possible SYN flooding on port`), "what a connection storm looks like; the answer, SYN cookies, is in order"},
	{regexp.MustCompile(`^INFO: lockdep is turned off`), "says that an earlier report, which is a finding, ended lockdep"},
	{regexp.MustCompile(`^INFO: NMI handler .* took too long`), "a matter of the host's speed"},
	{regexp.MustCompile(`hogged CPU for >\d+us`), "a matter of the host's speed: an emulated processor is late with everything"},
	{regexp.MustCompile(`^(?:perf: interrupt took too long|hrtimer: interrupt took|sched: RT throttling activated)`), "a matter of the host's speed"},
	{regexp.MustCompile(`^clocksource: `), "a matter of the host's speed"},
	{regexp.MustCompile(`^(?:Spectre V2|RETBleed|MDS|MMIO Stale Data|GDS|SRBDS|ITS|TAA|SRSO|VMSCAPE)\b`), "the guest's processor model"},
	{regexp.MustCompile(`^\[Firmware Bug\]: `), "the guest's firmware"},
	{regexp.MustCompile(`^unchecked MSR access error: `), "the emulated processor lacks a register"},
	{regexp.MustCompile(`: unknown parameter '.*' ignored`), "not a report; see UnknownParameters"},
	{regexp.MustCompile(`\[\d+\]: segfault at `), "a process of user space; the agent's own end is seen as a guest that died"},
	{regexp.MustCompile(`^traps: .*\[\d+\] `), "a process of user space"},
	{regexp.MustCompile(`^random: crng`), "start of the guest"},
	{regexp.MustCompile(`^note: .*\[\d+\] exited with (?:irqs disabled|preempt_count)`), "follows an oops, which is a finding"},
}

// harmlessLine returns why a line is harmless, and whether it is.
func harmlessLine(text string) (reason string, ok bool) {
	for _, b := range boring {
		if b.Pattern.MatchString(text) {
			return b.Reason, true
		}
	}
	return "", false
}

var unknownParameter = regexp.MustCompile(`^([\w-]+): unknown parameter '(.*)' ignored`)

// UnknownParameters returns the names of parameters that were given to the module and that it does not have. The
// kernel loads such a module all the same.
func UnknownParameters(lines []Line, module string) []string {
	var names []string
	for _, l := range lines {
		if m := unknownParameter.FindStringSubmatch(l.Text); m != nil && m[1] == module {
			names = append(names, m[2])
		}
	}
	return names
}
