package pgserver

import "golang.org/x/sys/unix"

const processorHere = unix.AUDIT_ARCH_AARCH64

// Calls that other processors do not have.
var refusedHere, pretendedHere []uint32
