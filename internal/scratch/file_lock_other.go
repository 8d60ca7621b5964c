//go:build !unix

package scratch

import (
	"errors"
	"fmt"
	"os"
)

const openFlags = 0

// TryLock cannot lock on this platform.
func TryLock(f *os.File) (bool, error) {
	return false, fmt.Errorf("lock %s: %w", f.Name(), errors.ErrUnsupported)
}

// lockDirectory cannot lock a directory on this platform: directories of killed
// processes stay.
func lockDirectory(string) *os.File { return nil }

func isUnlocked(string) bool { return false }

// BelongsToUser is true: files have no such owner on this platform.
func BelongsToUser(os.FileInfo) bool { return true }
