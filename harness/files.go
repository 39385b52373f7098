package harness

import (
	"time"

	"ktcp/guest/wire"
)

// File makes a file in the guest with this content, and the directories that lead to it.
func (g *Guest) File(path, content string) {
	g.tb.Helper()
	g.make(wire.MakeRequest{Kind: wire.MakeFile, Path: path, Data: []byte(content)})
}

// FileOf makes a file whose content is a block a number of times: a large one without sending it to the guest.
func (g *Guest) FileOf(path, block string, times int) {
	g.tb.Helper()
	g.make(wire.MakeRequest{Kind: wire.MakeFile, Path: path, Data: []byte(block), Repeat: times})
}

// FileBehind makes a file whose content lies behind a hole, of so many bytes that take no room.
func (g *Guest) FileBehind(hole int64, path, content string) {
	g.tb.Helper()
	g.make(wire.MakeRequest{Kind: wire.MakeFile, Path: path, Data: []byte(content), Hole: hole})
}

// FileAt makes a file that was last modified at the time given.
func (g *Guest) FileAt(path, content string, modified time.Time) {
	g.tb.Helper()
	g.make(wire.MakeRequest{Kind: wire.MakeFile, Path: path, Data: []byte(content), Modified: modified})
}

// FileOnlyFor makes a file with permissions of its own, as 0600.
func (g *Guest) FileOnlyFor(path, content string, mode uint32) {
	g.tb.Helper()
	g.make(wire.MakeRequest{Kind: wire.MakeFile, Path: path, Data: []byte(content), Mode: mode})
}

// Mkdir makes a directory.
func (g *Guest) Mkdir(path string) {
	g.tb.Helper()
	g.make(wire.MakeRequest{Kind: wire.MakeDir, Path: path})
}

// Symlink makes a symbolic link at path that leads to target.
func (g *Guest) Symlink(target, path string) {
	g.tb.Helper()
	g.make(wire.MakeRequest{Kind: wire.MakeLink, Path: path, Target: target})
}

// Mkfifo makes a FIFO: who opens it waits for somebody who writes.
func (g *Guest) Mkfifo(path string) {
	g.tb.Helper()
	g.make(wire.MakeRequest{Kind: wire.MakeFIFO, Path: path})
}

// Mkdevice makes a device that has no end: /dev/zero.
func (g *Guest) Mkdevice(path string) {
	g.tb.Helper()
	g.make(wire.MakeRequest{Kind: wire.MakeDevice, Path: path})
}

func (g *Guest) make(req wire.MakeRequest) {
	g.tb.Helper()
	call(g, wire.Make, req)
}

// MkdirOnlyFor makes a directory, or gives one that is there already, permissions of its own, as 0700.
func (g *Guest) MkdirOnlyFor(path string, mode uint32) {
	g.tb.Helper()
	g.make(wire.MakeRequest{Kind: wire.MakeDir, Path: path, Mode: mode})
}
