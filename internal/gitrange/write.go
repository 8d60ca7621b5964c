package gitrange

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// CreateFile writes a new file of a working tree, with its directories. The repository's links do not lead out of it: such a path is an
// [*OutsideError]. An existing file is an error that matches [fs.ErrExist].
func CreateFile(root, path, text string) error { return writeFileInRoot(root, path, "", text) }

// ReplaceFile writes a file of a working tree atomically, as [CreateFile].
func ReplaceFile(root, path, text string) error { return writeFileInRoot(root, path, ".new", text) }

// writeFileInRoot writes a file. With an ending it writes a new file of that ending first, and renames it.
func writeFileInRoot(root, path, ending, text string) error {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer dir.Close()
	name := filepath.FromSlash(path)
	err = dir.MkdirAll(filepath.Dir(name), 0o755)
	if err == nil {
		err = createFile(dir, name+ending, text)
	}
	if err == nil && ending != "" {
		err = dir.Rename(name+ending, name)
	}
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "escapes"):
		return &OutsideError{Path: path, Target: firstLinkTarget(root, name)}
	case errors.Is(err, fs.ErrExist) && hasLinkTo(dir, filepath.Dir(name)):
		return &OutsideError{Path: path, Target: firstLinkTarget(root, name)}
	}
	return fmt.Errorf("write %s: %w", path, rootCause(err))
}

func createFile(dir *os.Root, name, text string) error {
	f, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = dir.Remove(name)
	}
	return err
}

// hasLinkTo reports whether a directory cannot be made because a link in its place leads out.
func hasLinkTo(dir *os.Root, name string) bool {
	_, err := dir.Stat(name)
	return err != nil && strings.Contains(err.Error(), "escapes")
}

// firstLinkTarget returns where the first link of a path leads, for a message.
func firstLinkTarget(root, name string) string {
	path := root
	for part := range strings.SplitSeq(name, string(filepath.Separator)) {
		path = filepath.Join(path, part)
		if to, err := os.Readlink(path); err == nil {
			return to
		}
	}
	return ""
}
