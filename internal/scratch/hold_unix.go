//go:build unix

package scratch

import (
	"errors"
	"os"
	"syscall"
)

// hold locks a directory until the file is closed, or the process ends; nil
// when somebody else has it, and on a file system without locks, where nothing
// is ever swept.
func hold(dir string) *os.File {
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil:
			return f
		case !errors.Is(err, syscall.EINTR):
			f.Close()
			return nil
		}
	}
}

// free reports whether nobody holds a directory.
func free(dir string) bool {
	f := hold(dir)
	_ = f.Close() // nil is fine
	return f != nil
}

// ours reports whether a directory belongs to this user.
func ours(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
