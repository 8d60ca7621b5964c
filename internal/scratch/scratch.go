// Package scratch makes temporary directories that do not outlive their use: if
// the process is killed, the next one that makes a directory for the same
// purpose removes it.
package scratch

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
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

// removeTree removes a directory, whatever a program has made in it: directories that its own user may not enter, and
// more levels of them than a process may have open files.
func removeTree(dir string) error {
	err := os.RemoveAll(dir)
	if err == nil {
		return nil
	}
	root, err := forceOpenDirectory(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for next := 0; ; {
		entries, err := listEntries(root, ".")
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			return os.Remove(dir)
		}
		for _, e := range entries {
			if e.IsDir() {
				err = flattenDirectory(root, e.Name(), &next)
			}
			if err = errors.Join(err, root.Remove(e.Name())); err != nil {
				return err
			}
		}
	}
}

// forceOpenDirectory opens a directory of this user.
func forceOpenDirectory(dir string) (*os.Root, error) {
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, err
	}
	return os.OpenRoot(dir)
}

// flattenDirectory moves the directories of a directory to the root's top, by numbers, and removes its files.
func flattenDirectory(root *os.Root, name string, next *int) error {
	if err := root.Chmod(name, 0o700); err != nil {
		return err
	}
	entries, err := listEntries(root, name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := name + "/" + e.Name()
		if !e.IsDir() {
			err = root.Remove(path)
		} else if err = root.Chmod(path, 0o700); err == nil { // a directory that may not be written cannot be moved
			err = moveToTop(root, path, next)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func moveToTop(root *os.Root, path string, next *int) error {
	for {
		*next++
		to := ".removed-" + strconv.Itoa(*next)
		if _, err := root.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			return root.Rename(path, to)
		} else if err != nil {
			return err
		}
	}
}

func listEntries(root *os.Root, name string) ([]os.DirEntry, error) {
	dir, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.ReadDir(-1)
}

// LargeError says that a file is larger than it may be.
type LargeError struct {
	Most int64 // bytes
}

func (e *LargeError) Error() string { return fmt.Sprintf("it is larger than %d MB", e.Most>>20) }

// ReadBounded reads a file that a branch names, and may make a link to a device that never ends. A larger file is a [*LargeError].
func ReadBounded(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(data)) > most {
		err = &LargeError{most}
	}
	return data, err
}

// ReadUntrusted reads at most so many bytes of a file in a directory that a stranger's program could write. The program
// may have put a link, a pipe or a device in the file's place, which are an error.
func ReadUntrusted(path string, most int64) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &os.PathError{Op: "read", Path: path, Err: errors.New("it is no regular file")}
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(file, most))
}
