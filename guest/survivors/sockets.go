package survivors

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"ktcp/guest/wire"
)

// states are the kernel's TCP states in the order of their numbers.
var states = []string{
	"", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK",
	"LISTEN", "CLOSING", "SYN_RECV", // NEW_SYN_RECV, a request that has not got a socket of its own
}

// tcpSockets lists the TCP sockets of the calling thread's network namespace, which is called name. own holds the
// inodes of the agent's own sockets.
func tcpSockets(name string, own map[uint64]bool) ([]wire.Socket, error) {
	var all []wire.Socket
	for _, file := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile("/proc/thread-self/net/" + file)
		if errors.Is(err, os.ErrNotExist) {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, fmt.Errorf("list TCP sockets: %w", err)
		}
		sockets, err := parseTCP(string(text))
		if err != nil {
			return nil, err
		}
		for _, s := range sockets {
			s.Netns, s.Agent = name, own[s.Inode]
			all = append(all, s)
		}
	}
	return all, nil
}

// parseTCP reads /proc/net/tcp or tcp6.
func parseTCP(text string) ([]wire.Socket, error) {
	var all []wire.Socket
	first := true
	for line := range strings.Lines(text) {
		if first { // the heading
			first = false
			continue
		}
		s, err := parseSocket(line)
		if err != nil {
			return nil, fmt.Errorf("TCP socket %q: %w", strings.TrimSpace(line), err)
		}
		all = append(all, s)
	}
	return all, nil
}

// parseSocket reads "0: 0100007F:270F 00000000:0000 0A tx:rx tr:when retransmits uid timeout inode ...".
func parseSocket(line string) (wire.Socket, error) {
	f := strings.Fields(line)
	if len(f) < 10 {
		return wire.Socket{}, ErrFormat
	}
	local, err := parseAddr(f[1])
	if err != nil {
		return wire.Socket{}, err
	}
	remote, err := parseAddr(f[2])
	if err != nil {
		return wire.Socket{}, err
	}
	state, err := strconv.ParseUint(f[3], 16, 8)
	if err != nil || int(state) >= len(states) {
		return wire.Socket{}, ErrFormat
	}
	inode, err := strconv.ParseUint(f[9], 10, 64)
	if err != nil {
		return wire.Socket{}, ErrFormat
	}
	return wire.Socket{State: states[state], Local: local, Remote: remote, Inode: inode}, nil
}

// parseAddr reads "0100007F:270F". Addresses are printed in words of 32 bits in the machine's byte order.
func parseAddr(text string) (string, error) {
	host, port, ok := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	if !ok || err != nil || len(raw)%4 != 0 {
		return "", ErrFormat
	}
	for i := 0; i < len(raw); i += 4 {
		binary.LittleEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	addr, ok := netip.AddrFromSlice(raw)
	p, err := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil {
		return "", ErrFormat
	}
	// A socket for both families that serves IPv4 is told as what it serves.
	return netip.AddrPortFrom(addr.Unmap(), uint16(p)).String(), nil
}

// ownSockets returns the inodes of the sockets that the agent has open.
func ownSockets() (map[uint64]bool, error) {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return nil, fmt.Errorf("list own descriptors: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list own descriptors: %w", err)
	}
	own := map[uint64]bool{}
	for _, n := range names {
		target, err := os.Readlink("/proc/self/fd/" + n)
		if err != nil {
			continue // closed meanwhile
		}
		if text, ok := strings.CutPrefix(target, "socket:["); ok {
			inode, err := strconv.ParseUint(strings.TrimSuffix(text, "]"), 10, 64)
			if err == nil {
				own[inode] = true
			}
		}
	}
	return own, nil
}
