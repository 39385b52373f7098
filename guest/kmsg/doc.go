// Package kmsg reads the kernel log in records with sequence numbers, and has the kernel write to it (sysrq).
//
// Its contract: a reader that asks again with the cursor it was given misses nothing, or is told that it did. A request
// ends at the log's present end, or waits there for the next record.
package kmsg
