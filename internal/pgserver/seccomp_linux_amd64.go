package pgserver

import "golang.org/x/sys/unix"

// refusedHere are calls that other processors do not have.
var refusedHere = []uint32{unix.SYS_CHOWN, unix.SYS_LCHOWN, unix.SYS_UTIME, unix.SYS_UTIMES, unix.SYS_FUTIMESAT}

var pretendedHere = []uint32{unix.SYS_CHMOD}
