package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Find gives the path of the onward.yaml that holds for a directory: in the
// directory itself or the nearest above it, up to the repository's root. ""
// is none. Outside of a repository only the directory itself counts: what lies
// above may be anybody's.
func Find(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	found, foundIn := "", ""
	for at := dir; ; {
		if found == "" {
			path := filepath.Join(at, Name)
			if _, err := os.Stat(path); err == nil {
				found, foundIn = path, at
			} else if !errors.Is(err, fs.ErrNotExist) {
				return "", fmt.Errorf("read %s: %w", path, err)
			}
		}
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return found, nil
		}
		up := filepath.Dir(at)
		if up == at {
			if foundIn == dir {
				return found, nil
			}
			return "", nil
		}
		at = up
	}
}

// Load finds and reads the onward.yaml that holds for a directory. Without one
// the result is the zero Config.
func Load(dir string, known Known) (*Config, error) {
	path, err := Find(dir)
	if err != nil {
		return nil, err
	}
	if path == "" {
		return &Config{}, nil
	}
	return Read(path, known)
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
