package vm

import (
	"net"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// credentialed reads from a unix socket and notes which process wrote: the kernel adds it to what was written. The library that
// starts QEMU does not tell.
type credentialed struct {
	*net.UnixConn
	pid atomic.Int64 // 0: nobody has written yet
}

// identify has the kernel tell who writes to the other end. Where it cannot, nobody will be known.
func identify(conn *net.UnixConn) *credentialed {
	if raw, err := conn.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1) })
	}
	return &credentialed{UnixConn: conn}
}

// Read implements io.Reader.
func (c *credentialed) Read(b []byte) (int, error) {
	oob := make([]byte, unix.CmsgSpace(unix.SizeofUcred))
	n, used, _, _, err := c.ReadMsgUnix(b, oob)
	if used > 0 && c.pid.Load() == 0 {
		if messages, err := unix.ParseSocketControlMessage(oob[:used]); err == nil {
			for _, m := range messages {
				if who, err := unix.ParseUnixCredentials(&m); err == nil {
					c.pid.Store(int64(who.Pid))
				}
			}
		}
	}
	return max(n, 0), err // of a connection that was closed, what recvmsg itself returns may be -1
}
