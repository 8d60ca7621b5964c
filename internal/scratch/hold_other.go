//go:build !unix

package scratch

import (
	"errors"
	"fmt"
	"os"
)

// TryLock cannot lock here.
func TryLock(f *os.File) (bool, error) {
	return false, fmt.Errorf("lock %s: %w", f.Name(), errors.ErrUnsupported)
}

// hold cannot lock a directory here: what a killed process leaves behind stays.
func hold(string) *os.File { return nil }

func free(string) bool { return false }

func ours(os.FileInfo) bool { return true }
