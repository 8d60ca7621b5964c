//go:build !unix

package scratch

import (
	"errors"
	"fmt"
	"os"
)

// TryLock cannot lock on this platform.
func TryLock(f *os.File) (bool, error) {
	return false, fmt.Errorf("lock %s: %w", f.Name(), errors.ErrUnsupported)
}

// hold cannot lock a directory on this platform: directories of killed
// processes stay.
func hold(string) *os.File { return nil }

func free(string) bool { return false }

func ours(os.FileInfo) bool { return true }
