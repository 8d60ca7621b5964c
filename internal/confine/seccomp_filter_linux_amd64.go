package confine

import "golang.org/x/sys/unix"

const processorHere = unix.AUDIT_ARCH_X86_64

// kernelCallsHere are calls that other processors do not have.
var kernelCallsHere = []uint32{unix.SYS_IOPL, unix.SYS_IOPERM, unix.SYS_MODIFY_LDT}
