// Package finding says what went wrong in a guest, in one type: [Finding].
//
// Its one job is to turn what oracles read (a kernel log, the allocation ledger, snapshots of survivors, the outcome
// of rmmod) into findings that name the module and, where it can be known, the line of C. It talks to no guest and keeps
// no state: everything here is a function of its input.
//
//	syms, err := finding.NewSymbolizer("kweb", "kweb.ko", answer.Sections) // at insmod
//	found := finding.ParseKmsg(records)                                    // kernel log
//	found = append(found, finding.Leaks("kweb", ledger)...)                // after rmmod
//	finding.Symbolize(found, syms)
//	found = finding.Dedupe(found)
//
// # Contract
//
//   - A kernel log that holds something that looks like a report yields at least one finding. A shape that the table of
//     headers does not know becomes a [Splat]; nothing is dropped because it was not understood.
//   - What only follows from a report is part of it: the panic after an oops, the registers that the kernel prints again
//     after the end mark. Reports of one bug in other words (a sleep in atomic context, then an unbalanced preempt count) are findings
//     of their own.
//   - A log is parsed whole. Of a report that is cut in two by two calls, the second half is a [Splat].
//   - A line that is known to be harmless yields nothing; boring says which lines those are and why.
//   - Findings are data. Their JSON names (see [Finding]) do not change meaning; new ones may be added.
//
// The names of kernel functions and the words of reports are those of Linux 6.1 and 6.12; testdata holds logs that
// those kernels printed.
package finding
