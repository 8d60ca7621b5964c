package confine

import (
	"errors"

	"golang.org/x/sys/unix"
)

// ErrNoFilter is for processors without a list of system calls.
var ErrNoFilter = errors.New("not done for this processor")

// IsUnsupported reports whether the kernel, or a container's rules, forbid a restriction.
func IsUnsupported(err error) bool {
	for _, e := range []error{ErrNoFilter, unix.EINVAL, unix.ENOSYS, unix.EACCES, unix.EPERM, unix.EBUSY} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
