package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// misnamed is a common wrong name. It is refused, because a configuration
// without effect is worse than none.
const misnamed = "onward.yml"

// Find returns the path of the onward.yaml that applies to a directory: in the
// directory itself or the nearest one above it, up to the repository's root.
// path is "" if there is none. root is the repository's root, "" outside of
// one. Outside of a repository only the directory itself counts, because
// directories above it may belong to anybody.
func Find(dir string) (path, root string, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return "", "", err
	}
	found, foundIn := "", ""
	for current := dir; ; {
		if found == "" {
			for _, name := range []string{Name, misnamed} {
				file := filepath.Join(current, name)
				if _, err := os.Stat(file); err == nil {
					found, foundIn = file, current
					break
				} else if !errors.Is(err, fs.ErrNotExist) {
					return "", "", fmt.Errorf("read %s: %w", file, err)
				}
			}
		}
		if _, err := os.Lstat(filepath.Join(current, ".git")); err == nil {
			return found, current, nil
		}
		up := filepath.Dir(current)
		if up == current {
			if foundIn == dir {
				return found, "", nil
			}
			return "", "", nil
		}
		current = up
	}
}

// Load finds and reads the onward.yaml that applies to a directory. Without one
// it returns the zero Config. In a file outside of the repository's root,
// directories and patterns become relative to the root.
func Load(dir string, known Known) (*Config, error) {
	file, root, err := Find(dir)
	if err != nil {
		return nil, err
	}
	switch {
	case file == "":
		return &Config{}, nil
	case filepath.Base(file) == misnamed:
		return nil, &Error{Path: file, Message: "is not read: rename it to " + Name + ", or name it with --config"}
	}
	// The user did not name the file, so it may be anything; reading a pipe
	// would block.
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil, &Error{Path: file, Message: "cannot be read: it is not a file"}
	}
	return loadFile(file, root, known)
}

// LoadFile reads a file that the user named, like Load the one that it finds.
func LoadFile(file string, known Known) (*Config, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	_, root, err := Find(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	c, err := loadFile(file, root, known)
	if err == nil {
		c.Named = true
	}
	return c, err
}

func loadFile(file, root string, known Known) (*Config, error) {
	c, err := Read(file, known)
	if err != nil {
		return nil, err
	}
	if relative, err := filepath.Rel(root, filepath.Dir(file)); root != "" && err == nil {
		c.rebasePaths(filepath.ToSlash(relative))
	}
	return c, nil
}

// rebasePaths turns paths relative to the file into paths relative to a directory
// above it; prefix is the path from there to the file's directory.
func (c *Config) rebasePaths(prefix string) {
	if prefix == "." {
		return
	}
	for i := range c.Migrations {
		c.Migrations[i].Dir = path.Join(prefix, c.Migrations[i].Dir)
		c.Migrations[i].CaptureDir = path.Join(prefix)
	}
	for i, p := range c.AcceptOpaque.Patterns {
		c.AcceptOpaque.Patterns[i] = path.Join(prefix, p)
		if strings.HasSuffix(p, "/") {
			c.AcceptOpaque.Patterns[i] += "/"
		}
	}
}

// Read reads a file.
func Read(path string, known Known) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &Error{Path: path, Message: fmt.Sprintf("cannot be read: %v", trimErrorPath(err))}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, &Error{Path: path, Message: fmt.Sprintf("cannot be read: %v", trimErrorPath(err))}
	}
	return Decode(data, path, known)
}

// trimErrorPath returns an error without the path, which the caller adds.
func trimErrorPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
