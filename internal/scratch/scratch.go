// Package scratch makes temporary directories that do not outlive their use:
// should the process be killed, the next one that makes a directory of that
// name removes what stayed.
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
	// young is what a directory is called until it is held.
	young = prefix + "new-"
	// patience is for how long a directory may be young.
	patience = 10 * time.Minute
)

// Make makes a directory for one purpose ("index") where the system keeps
// temporary files. remove takes it away, with all that is in it; it may be
// called more than once.
func Make(purpose string) (dir string, remove func() error, err error) {
	return MakeIn(os.TempDir(), purpose)
}

// MakeIn is Make in a directory of the caller's choice.
func MakeIn(parent, purpose string) (dir string, remove func() error, err error) {
	sweep(parent, purpose)
	made, err := os.MkdirTemp(parent, young+purpose+"-")
	if err != nil {
		return "", nil, fmt.Errorf("make a temporary directory: %w", err)
	}
	held := hold(made)
	// Under its name it is seen held or not at all.
	dir = filepath.Join(parent, prefix+strings.TrimPrefix(filepath.Base(made), young))
	if err := os.Rename(made, dir); err != nil {
		_ = held.Close()
		return "", nil, errors.Join(err, os.Remove(made))
	}
	return dir, func() error {
		err := os.RemoveAll(dir)
		_ = held.Close() // the second time it is closed already
		return err
	}, nil
}

// sweep removes the directories that nobody holds. What it cannot do is no
// error: they are not ours to need.
func sweep(parent, purpose string) {
	dirs, _ := filepath.Glob(filepath.Join(parent, prefix+purpose+"-*"))
	for _, dir := range dirs {
		if info, err := os.Lstat(dir); err == nil && info.IsDir() && ours(info) && free(dir) {
			_ = os.RemoveAll(dir)
		}
	}
	dirs, _ = filepath.Glob(filepath.Join(parent, young+purpose+"-*"))
	for _, dir := range dirs {
		if info, err := os.Lstat(dir); err == nil && info.IsDir() && ours(info) && time.Since(info.ModTime()) > patience {
			_ = os.Remove(dir)
		}
	}
}
