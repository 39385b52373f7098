package finding

import (
	"fmt"
	"regexp"
	"strconv"
)

// objectRE matches the line that opens an object in /sys/kernel/debug/kmemleak.
var objectRE = regexp.MustCompile(`^(?:kmemleak: )?unreferenced object 0x[0-9a-f]+ \(size (\d+)\)`)

// madeRE matches the line that says who made it and when, in jiffies. Kernels before 6.8 may say the age behind it.
var madeRE = regexp.MustCompile(`^  comm ".*", pid -?\d+, jiffies (\d+)`)

// MadeAt returns when the object of a finding of [ParseKmemleak] was made, in jiffies, where the kernel says it.
func MadeAt(f Finding) (jiffies uint64, ok bool) {
	for _, l := range f.Excerpt {
		if m := madeRE.FindStringSubmatch(l); m != nil {
			jiffies, err := strconv.ParseUint(m[1], 10, 64)
			return jiffies, err == nil
		}
	}
	return 0, false
}

// ParseKmemleak returns what /sys/kernel/debug/kmemleak holds after a scan, one finding per object. Objects of the kernel itself are among
// them: those that no frame ties to a module have none.
func ParseKmemleak(text string) []Finding {
	findings := ParseConsole(text)
	for i := range findings {
		f := &findings[i]
		f.Oracle = OracleKmemleak
		if m := objectRE.FindStringSubmatch(f.Title); f.Kind == Kmemleak && m != nil {
			f.Objects, f.Bytes = 1, decimal(m[1])
			f.Title = fmt.Sprintf("an object of %s that nothing points to any more", plural(int(f.Bytes), "byte"))
		}
		f.Fingerprint = Fingerprint(*f)
	}
	return findings
}
