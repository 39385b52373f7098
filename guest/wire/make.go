package wire

import "time"

// Make makes something in the guest's file system, and the directories that lead to it. What has that name already is
// replaced, unless both are directories.
var Make = Op[MakeRequest, None]{"make"}

// MakeKind is what [Make] makes.
type MakeKind string

// The kinds.
const (
	MakeFile   MakeKind = "file"
	MakeDir    MakeKind = "dir"
	MakeLink   MakeKind = "link"   // symbolic
	MakeFIFO   MakeKind = "fifo"   // nobody opens it
	MakeDevice MakeKind = "device" // a character device, /dev/zero by another name
)

// MakeRequest describes what is to be made.
type MakeRequest struct {
	Kind     MakeKind  `json:"kind"`
	Path     string    `json:"path"`
	Target   string    `json:"target,omitempty"`  // of a link
	Data     []byte    `json:"data,omitempty"`    // of a file,
	Repeat   int       `json:"repeat,omitempty"`  // so many times; 0 means once,
	Hole     int64     `json:"hole,omitempty"`    // behind so many bytes that nobody has written, and that take no room
	Mode     uint32    `json:"mode,omitempty"`    // permissions; 0 means 0644, or 0755 for a directory
	Modified time.Time `json:"modified,omitzero"` // of a file
}
