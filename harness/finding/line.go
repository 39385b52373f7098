package finding

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"ktcp/guest/wire"
)

// Line is one line of a kernel log.
type Line struct {
	Time   time.Duration // since boot, 0 where the log has no time stamps
	Caller string        // "T93" for a task, "C0" for an interrupt on a processor; empty where the kernel does not say
	Text   string        // without level, time stamp, caller and line end
}

// KmsgLines returns the lines of records of /dev/kmsg. A record can hold several.
func KmsgLines(records []wire.KmsgRecord) []Line {
	var lines []Line
	for _, r := range records {
		for text := range strings.SplitSeq(unescapeKmsg(r.Text), "\n") {
			lines = append(lines, Line{Time: r.Time, Caller: callerID(r.Caller), Text: strings.TrimRight(text, "\r")})
		}
	}
	return lines
}

// unescapeKmsg undoes what /dev/kmsg does to newlines within a record, where the agent has not.
func unescapeKmsg(text string) string { return strings.ReplaceAll(text, `\x0a`, "\n") }

// callerID returns the caller without "caller=", as /dev/kmsg spells it.
func callerID(caller string) string { return strings.TrimPrefix(caller, "caller=") }

// stamp matches what printk puts before a line on the console: a level (only in raw dumps), the time and, with
// CONFIG_PRINTK_CALLER, the caller.
var stamp = regexp.MustCompile(`(?:<\d{1,3}>)?\[ *(\d+)\.(\d{6})\](?:\[ *([TC]\d+)\])? ?`)

// level matches the level of a line in a log without time stamps.
var level = regexp.MustCompile(`^<\d{1,3}>`)

// ConsoleLines returns the kernel's lines of a serial console. Where the console has time stamps, lines without one were
// written by user space and are left out, as is what user space had written at the start of a line. Where it has none, all lines count.
func ConsoleLines(console string) []Line {
	stamped := stamp.MatchString(console)
	var lines []Line
	for text := range strings.SplitSeq(console, "\n") {
		text = strings.TrimRight(text, "\r")
		if !stamped {
			lines = append(lines, Line{Text: level.ReplaceAllString(text, "")})
			continue
		}
		at := stamp.FindStringSubmatchIndex(text)
		if at == nil {
			continue
		}
		lines = append(lines, Line{
			Time:   parseTime(text[at[2]:at[3]], text[at[4]:at[5]]),
			Caller: submatch(text, at, 3),
			Text:   text[at[1]:],
		})
	}
	return lines
}

// parseTime returns the time of a stamp, given its digits before and after the point.
func parseTime(sec, usec string) time.Duration {
	s, err := strconv.ParseInt(sec, 10, 33)
	if err != nil {
		return 0
	}
	us, err := strconv.ParseInt(usec, 10, 33)
	if err != nil {
		return 0
	}
	return time.Duration(s)*time.Second + time.Duration(us)*time.Microsecond
}

// submatch returns group n of a match given by indices, or "".
func submatch(text string, at []int, n int) string {
	if at[2*n] < 0 {
		return ""
	}
	return text[at[2*n]:at[2*n+1]]
}
