package confine

import "golang.org/x/sys/unix"

const processorHere = unix.AUDIT_ARCH_AARCH64

// kernelCallsHere are calls that other processors do not have.
var kernelCallsHere []uint32
