package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/sandbox"
	"github.com/onward-sql/onward/internal/scratch"
)

// CheckOut returns a directory with the files of a tree, in which a command may write: the user's own copy stays unchanged.
// Installed packages are linked from the user's copy.
func CheckOut(ctx context.Context, t adapter.Tree, home string, packages *Installed) (dir string, remove func() error, err error) {
	dir, err = t.Dir(ctx)
	if err != nil {
		return "", nil, fmt.Errorf("unpack %s: %w", t.Name(), err)
	}
	remove = func() error { return nil }
	if isWithin(dir, home) || len(listUntrackedCredentials(t)) > 0 {
		if dir, remove, err = copyTree(ctx, t, dir); err != nil {
			return "", nil, err
		}
	}
	if err := packages.linkInto(dir); err != nil {
		return "", nil, errors.Join(err, remove())
	}
	return dir, remove, nil
}

// isWithin reports whether a directory is another one, or below it.
func isWithin(dir, parent string) bool {
	if real, err := filepath.EvalSymlinks(parent); err == nil {
		parent = real
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	rel, err := filepath.Rel(parent, dir)
	return err == nil && parent != "" && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// copyTree copies the files of a tree on disk.
func copyTree(ctx context.Context, t adapter.Tree, from string) (dir string, remove func() error, err error) {
	dir, remove, err = scratch.Make("capture")
	if err != nil {
		return "", nil, fmt.Errorf("make a directory for %s: %w", t.Name(), err)
	}
	secret := listUntrackedCredentials(t)
	for _, p := range t.Paths() {
		if err := ctx.Err(); err != nil {
			return "", nil, errors.Join(err, remove())
		}
		if secret[p] {
			continue
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

// listUntrackedCredentials returns the files of a working tree that are in no commit and may have passwords, by their names.
func listUntrackedCredentials(t adapter.Tree) map[string]bool {
	out := map[string]bool{}
	if listed, ok := t.(interface{ Files() []gitrange.File }); ok {
		for _, f := range listed.Files() {
			if f.Untracked && sandbox.IsCredential(path.Base(f.Path)) {
				out[f.Path] = true
			}
		}
	}
	return out
}
