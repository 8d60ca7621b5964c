package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// misnamed is how many write it. It is found, and refused: a configuration that
// has no effect is worse than none.
const misnamed = "onward.yml"

// Find gives the path of the onward.yaml that holds for a directory: in the
// directory itself or the nearest above it, up to the repository's root. path
// "" is none; root is the repository's root, "" outside one. Outside a
// repository only the directory itself counts: what lies above may be
// anybody's.
func Find(dir string) (path, root string, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return "", "", err
	}
	found, foundIn := "", ""
	for at := dir; ; {
		if found == "" {
			for _, name := range []string{Name, misnamed} {
				file := filepath.Join(at, name)
				if _, err := os.Stat(file); err == nil {
					found, foundIn = file, at
					break
				} else if !errors.Is(err, fs.ErrNotExist) {
					return "", "", fmt.Errorf("read %s: %w", file, err)
				}
			}
		}
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return found, at, nil
		}
		up := filepath.Dir(at)
		if up == at {
			if foundIn == dir {
				return found, "", nil
			}
			return "", "", nil
		}
		at = up
	}
}

// Load finds and reads the onward.yaml that holds for a directory. Without one
// the result is the zero Config. Directories and patterns of a file that is not
// in the repository's root become relative to the root.
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
	// Nobody named it, so it may be anything; a pipe would be waited for.
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil, &Error{Path: file, Message: "cannot be read: it is not a file"}
	}
	return load(file, root, known)
}

// LoadFile reads a file that was named, as Load does one that it found.
func LoadFile(file string, known Known) (*Config, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	_, root, err := Find(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	return load(file, root, known)
}

func load(file, root string, known Known) (*Config, error) {
	c, err := Read(file, known)
	if err != nil {
		return nil, err
	}
	if below, err := filepath.Rel(root, filepath.Dir(file)); root != "" && err == nil {
		c.rebase(filepath.ToSlash(below))
	}
	return c, nil
}

// rebase makes what is relative to the file relative to the directory that the
// file's own directory is below.
func (c *Config) rebase(below string) {
	if below == "." {
		return
	}
	for i := range c.Migrations {
		c.Migrations[i].Dir = path.Join(below, c.Migrations[i].Dir)
	}
	for i, p := range c.AcceptOpaque.Patterns {
		c.AcceptOpaque.Patterns[i] = path.Join(below, p)
	}
}

// Read reads a file.
func Read(path string, known Known) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &Error{Path: path, Message: fmt.Sprintf("cannot be read: %v", cause(err))}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, &Error{Path: path, Message: fmt.Sprintf("cannot be read: %v", cause(err))}
	}
	return Decode(data, path, known)
}

// cause is an error without the path that the caller names already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
