package mcp

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
)

const (
	// mostFiles and mostFileText limit the unsaved texts of a call.
	mostFiles    = 200
	mostFileText = 8 << 20
	// mostSQL limits the SQL of a call, in bytes.
	mostSQL = 8 << 20
)

// findRoot returns the root of the repository around a directory, or the directory itself, without symbolic links.
func findRoot(dir string) (string, error) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", err
	}
	if real, err = filepath.Abs(real); err != nil {
		return "", err
	}
	for current := real; ; current = filepath.Dir(current) {
		if _, err := os.Lstat(filepath.Join(current, ".git")); err == nil {
			return current, nil
		}
		if current == filepath.Dir(current) {
			return real, nil
		}
	}
}

// OutsideError says that a path is not in the repository.
type OutsideError struct{ Path, Why string }

// Error names the path, and why it is refused.
func (e *OutsideError) Error() string {
	return fmt.Sprintf("%q is refused: %s. Paths are relative to the repository's root, and stay inside of it", e.Path, e.Why)
}

// resolvePath returns a path of the repository relative to its root, with slashes. The file need not exist.
func (s *server) resolvePath(path string) (string, error) {
	refuse := func(reason string) (string, error) { return "", &OutsideError{path, reason} }
	if path == "" || strings.ContainsRune(path, 0) {
		return refuse("it is empty or has a zero byte")
	}
	rel := filepath.FromSlash(path)
	if filepath.IsAbs(rel) {
		relative, err := filepath.Rel(s.root, rel)
		if err != nil {
			return refuse("it is elsewhere")
		}
		rel = relative
	}
	if rel = filepath.Clean(rel); !filepath.IsLocal(rel) {
		return refuse("it leaves the repository")
	}
	if slices.ContainsFunc(strings.Split(rel, string(filepath.Separator)), func(part string) bool { return strings.EqualFold(part, ".git") }) {
		return refuse("it is git's own")
	}
	for existing := filepath.Join(s.root, rel); ; existing = filepath.Dir(existing) {
		real, err := filepath.EvalSymlinks(existing)
		if errors.Is(err, fs.ErrNotExist) && existing != s.root {
			if _, err := os.Lstat(existing); err == nil {
				return refuse("it is a symbolic link to nothing")
			}
			continue
		}
		if err != nil {
			return refuse("it cannot be resolved")
		}
		relative, err := filepath.Rel(s.root, real)
		if err != nil || !filepath.IsLocal(relative) {
			return refuse("a symbolic link leaves the repository")
		}
		if relative == ".git" || strings.HasPrefix(relative, ".git"+string(filepath.Separator)) {
			return refuse("it is git's own")
		}
		return filepath.ToSlash(rel), nil
	}
}

// resolvePaths returns several paths of the repository.
func (s *server) resolvePaths(paths []string) ([]string, error) {
	if len(paths) > mostFiles {
		return nil, fmt.Errorf("%d paths are more than %d", len(paths), mostFiles)
	}
	var out []string
	for _, p := range paths {
		rel, err := s.resolvePath(p)
		if err != nil {
			return nil, err
		}
		out = append(out, rel)
	}
	return out, nil
}

// readEdits returns unsaved texts by their paths.
func (s *server) readEdits(files map[string]*string, head string) (audit.Edits, error) {
	if len(files) == 0 {
		return nil, nil
	}
	if head != "" {
		return nil, errors.New("files are texts of the working tree: leave out head")
	}
	if len(files) > mostFiles {
		return nil, fmt.Errorf("%d files are more than %d", len(files), mostFiles)
	}
	edits, size := audit.Edits{}, 0
	for name, text := range files {
		rel, err := s.resolvePath(name)
		if err != nil {
			return nil, err
		}
		if filepath.Base(rel) == config.Name {
			return nil, fmt.Errorf("%s is read from the disk: save it first", config.Name)
		}
		if text != nil {
			size += len(*text)
		}
		if _, isDuplicate := edits[rel]; isDuplicate {
			return nil, fmt.Errorf("two of the paths are %s", rel)
		}
		edits[rel] = text
	}
	if size > mostFileText {
		return nil, fmt.Errorf("the texts have %d bytes, more than %d", size, mostFileText)
	}
	return edits, nil
}

// readSettings returns the project's settings, with the versions of a call.
func (s *server) readSettings(pg string) (*config.Config, error) {
	c, err := s.Settings(s.Dir)
	if err == nil && pg != "" {
		if c.Postgres, err = config.ParseVersions(pg); err != nil {
			err = fmt.Errorf("pg: %w", err)
		}
	}
	return c, err
}

func checkSQL(sql string) error {
	if len(sql) > mostSQL {
		return fmt.Errorf("the SQL has %d bytes, more than %d", len(sql), mostSQL)
	}
	return nil
}

// absolutePath returns the absolute path of a file of the repository.
func (s *server) absolutePath(rel string) string {
	return filepath.Join(s.root, filepath.FromSlash(rel))
}
