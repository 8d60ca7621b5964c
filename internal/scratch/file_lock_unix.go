//go:build unix

package scratch

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// openFlags make an open fail on a link, and not wait for the other end of a pipe.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// TryLock takes an exclusive lock on an open file or directory; false without
// an error means that another process has it. The lock ends when every copy of
// the descriptor, including those of children, is closed.
func TryLock(f *os.File) (bool, error) {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		default:
			return false, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
	}
}

// lockDirectory locks a directory until the file is closed, or the process ends. It
// returns nil if another process has the lock, and on a file system without
// locks; nothing is ever removed there.
func lockDirectory(dir string) *os.File {
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	if isLocked, err := TryLock(f); err != nil || !isLocked {
		f.Close()
		return nil
	}
	return f
}

// isUnlocked reports whether no process holds a directory.
func isUnlocked(dir string) bool {
	f := lockDirectory(dir)
	_ = f.Close() // nil is fine
	return f != nil
}

// BelongsToUser reports whether a file or directory belongs to this user.
func BelongsToUser(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
