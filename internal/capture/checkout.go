package capture

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/command"
	"github.com/onward-sql/onward/internal/scratch"
)

// checkOut returns a directory with the files of a tree, in which a command may write: the user's own copy stays
// unchanged. Packages are those that are installed in home.
func checkOut(ctx context.Context, t adapter.Tree, home, workDir string) (dir string, remove func() error, err error) {
	dir, err = t.Dir(ctx)
	if err != nil {
		return "", nil, fmt.Errorf("unpack %s: %w", t.Name(), err)
	}
	remove = func() error { return nil }
	if isWithin(dir, home) {
		if dir, remove, err = copyFiles(ctx, t, dir); err != nil {
			return "", nil, err
		}
	}
	for at := workDir; ; at = path.Dir(at) {
		if at == "." {
			at = ""
		}
		for _, name := range command.InstalledDirs {
			if err := linkInstalled(t, home, dir, path.Join(at, name)); err != nil {
				return "", nil, errors.Join(err, remove())
			}
		}
		if at == "" {
			return dir, remove, nil
		}
	}
}

// isWithin reports whether a directory is another one, or below it.
func isWithin(dir, above string) bool {
	if real, err := filepath.EvalSymlinks(above); err == nil {
		above = real
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	rel, err := filepath.Rel(above, dir)
	return err == nil && above != "" && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// copyFiles copies the files of a tree on disk.
func copyFiles(ctx context.Context, t adapter.Tree, from string) (dir string, remove func() error, err error) {
	dir, remove, err = scratch.Make("capture")
	if err != nil {
		return "", nil, fmt.Errorf("make a directory for %s: %w", t.Name(), err)
	}
	for _, p := range t.Paths() {
		if err := ctx.Err(); err != nil {
			return "", nil, errors.Join(err, remove())
		}
		content, err := t.Read(p)
		if err != nil {
			continue // a link out of the repository, or a file that has just gone
		}
		mode := os.FileMode(0o644)
		if info, err := os.Stat(filepath.Join(from, filepath.FromSlash(p))); err == nil && info.Mode()&0o100 != 0 {
			mode = 0o755
		}
		to := filepath.Join(dir, filepath.FromSlash(p))
		if err = os.MkdirAll(filepath.Dir(to), 0o755); err == nil {
			err = os.WriteFile(to, content, mode)
		}
		if err != nil {
			return "", nil, errors.Join(fmt.Errorf("copy %s: %w", p, err), remove())
		}
	}
	return dir, remove, nil
}

// linkInstalled links a directory of installed packages into a checkout, if the tree has no such directory.
func linkInstalled(t adapter.Tree, home, dir, name string) error {
	if home == "" || len(adapter.FilesBelow(t, name)) > 0 {
		return nil
	}
	from, to := filepath.Join(home, filepath.FromSlash(name)), filepath.Join(dir, filepath.FromSlash(name))
	if _, err := os.Lstat(to); err == nil || !isDir(from) || !isDir(filepath.Dir(to)) {
		return nil // there is nothing to link, or no place for it
	}
	if err := os.Symlink(from, to); err != nil {
		return fmt.Errorf("link %s: %w", name, err)
	}
	return nil
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}
