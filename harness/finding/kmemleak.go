package finding

import (
	"fmt"
	"regexp"
)

// objectRE matches the line that opens an object in /sys/kernel/debug/kmemleak.
var objectRE = regexp.MustCompile(`^(?:kmemleak: )?unreferenced object 0x[0-9a-f]+ \(size (\d+)\)`)

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
