package scratch

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
)

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
