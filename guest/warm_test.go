package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWarmTCP(t *testing.T) {
	if err := warmTCP(); err != nil {
		t.Fatal(err)
	}
}

// Nothing is left behind of a connection, in any state.
func TestConnectOnceLeavesNothing(t *testing.T) {
	bound, err := connectOnce(unix.AF_INET, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf(" 0100007F:%04X ", bound.(*unix.SockaddrInet4).Port)
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, address) {
			t.Errorf("left behind: %s", line)
		}
	}
}
