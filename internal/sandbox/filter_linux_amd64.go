package sandbox

import "golang.org/x/sys/unix"

// Calls that other processors do not have.
var (
	chmodHere = []uint32{unix.SYS_CHMOD}
	chownHere = []uint32{unix.SYS_CHOWN, unix.SYS_LCHOWN}
)
