//go:build linux || darwin

package pgserver

import "syscall"

// room is how many bytes are free in a directory's file system; 0: not known.
func room(dir string) uint64 {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return 0
	}
	return s.Bavail * uint64(s.Bsize)
}
