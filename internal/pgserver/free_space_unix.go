//go:build linux || darwin

package pgserver

import (
	"math"
	"syscall"
)

// Free returns how many bytes are free in a directory's file system; -1:
// unknown.
func Free(dir string) int64 {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return -1
	}
	return int64(min(s.Bavail*uint64(s.Bsize), math.MaxInt64))
}
