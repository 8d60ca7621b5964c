// Package scratch makes temporary directories that do not outlive their use: if
// the process is killed, the next one that makes a directory for the same
// purpose removes it.
package scratch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	prefix = "onward-"
	// young is the prefix of a directory that is not locked yet.
	young = prefix + "new-"
	// patience is how long a directory may stay young.
	patience = 10 * time.Minute
)

// Make makes a temporary directory for one purpose ("index"). remove deletes
// it, with everything in it; it may be called more than once.
func Make(purpose string) (dir string, remove func() error, err error) {
	return MakeIn(os.TempDir(), purpose)
}

// MakeIn is [Make] in a directory of the caller's choice.
func MakeIn(parent, purpose string) (dir string, remove func() error, err error) {
	removeUnlocked(parent, purpose)
	youngDir, err := os.MkdirTemp(parent, young+purpose+"-")
	if err != nil {
		return "", nil, fmt.Errorf("make a temporary directory: %w", err)
	}
	lockFile := lockDirectory(youngDir)
	// Under its final name it is always locked.
	dir = filepath.Join(parent, prefix+strings.TrimPrefix(filepath.Base(youngDir), young))
	if err := os.Rename(youngDir, dir); err != nil {
		_ = lockFile.Close()
		return "", nil, errors.Join(err, os.Remove(youngDir))
	}
	return dir, func() error {
		err := removeTree(dir)
		_ = lockFile.Close() // the second time it is closed already
		return err
	}, nil
}

// removeUnlocked removes the directories that no process holds. Errors are ignored,
// because nothing depends on it.
func removeUnlocked(parent, purpose string) {
	dirs, _ := filepath.Glob(filepath.Join(parent, prefix+purpose+"-*"))
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || !BelongsToUser(info) {
			continue
		}
		if info.Mode().Perm()&0o700 != 0o700 { // a program has closed it: its lock could not be read
			_ = os.Chmod(dir, 0o700)
		}
		if isUnlocked(dir) {
			_ = removeTree(dir)
		}
	}
	dirs, _ = filepath.Glob(filepath.Join(parent, young+purpose+"-*"))
	for _, dir := range dirs {
		if info, err := os.Lstat(dir); err == nil && info.IsDir() && BelongsToUser(info) && time.Since(info.ModTime()) > patience {
			_ = os.Remove(dir)
		}
	}
}
