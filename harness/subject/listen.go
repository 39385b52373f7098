package subject

import (
	"slices"
	"strconv"
	"strings"
)

// Listening returns the ports that somebody listens on, sorted, from the text of /proc/net/tcp or tcp6.
func Listening(procNetTCP string) []int {
	const listen = "0A"
	var ports []int
	for line := range strings.Lines(procNetTCP) {
		fields := strings.Fields(line)
		if len(fields) < 4 || fields[3] != listen {
			continue
		}
		_, port, ok := strings.Cut(fields[1], ":")
		number, err := strconv.ParseUint(port, 16, 16)
		if ok && err == nil && !slices.Contains(ports, int(number)) {
			ports = append(ports, int(number))
		}
	}
	slices.Sort(ports)
	return ports
}
