package adaptertest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
)

// Files is a tree in memory: contents by path. A nil content cannot be read.
type Files map[string][]byte

var _ adapter.Tree = Files{}

// Name is "files".
func (f Files) Name() string { return "files" }

// Paths lists the paths, sorted.
func (f Files) Paths() []string {
	out := make([]string, 0, len(f))
	for p := range f {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

// Read returns a file's content.
func (f Files) Read(path string) ([]byte, error) {
	content, ok := f[path]
	switch {
	case !ok:
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	case content == nil:
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}
	}
	return content, nil
}

// Dir fails: the tree is not on disk.
func (f Files) Dir(context.Context) (string, error) {
	return "", errors.New("files in memory have no directory")
}

// Text makes a tree of texts.
func Text(files map[string]string) Files {
	f := Files{}
	for p, text := range files {
		f[p] = []byte(text)
	}
	return f
}

// WriteTo writes the files into a directory.
func (f Files) WriteTo(t testing.TB, dir string) {
	t.Helper()
	for name, text := range f {
		filePath := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(filePath), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filePath, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// disk is a directory as a tree: it is read once, and still on disk.
type disk struct {
	Files
	dir string
}

func (d disk) Name() string { return filepath.Base(d.dir) }

func (d disk) Dir(context.Context) (string, error) { return d.dir, nil }

// Disk reads a directory as a tree.
func Disk(t testing.TB, dir string) adapter.Tree {
	t.Helper()
	abs, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := Files{}
	err = filepath.WalkDir(abs, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(abs, p)
		files[filepath.ToSlash(rel)] = content
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return disk{files, abs}
}
