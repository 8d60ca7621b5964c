package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/scratch"
)

// BaseFiles are the files of the deployed revision, for a run that trusts none of the branch's. Files outside the repository, and files
// that git does not track, are the user's own.
type BaseFiles struct {
	repo    *gitrange.Repo
	tree    adapter.Tree
	working gitrange.Tree // nil before it was needed
	copies  string        // the directory of the copies; "" before the first one
	remove  func() error
}

// OpenBaseFiles opens the deployed revision of the repository around a directory. It must be closed after the run. Errors: as for [Read].
func OpenBaseFiles(ctx context.Context, dir, base string) (*BaseFiles, error) {
	repo, err := gitrange.Open(ctx, cmp.Or(dir, "."))
	if err != nil {
		return nil, err
	}
	t, err := repo.Base(ctx, base)
	if err != nil {
		repo.Close()
		return nil, err
	}
	return &BaseFiles{repo: repo, tree: gittree.Of(t)}, nil
}

// Close removes the copies.
func (b *BaseFiles) Close() error {
	err := b.repo.Close()
	if b.remove != nil {
		err = errors.Join(err, b.remove())
	}
	return err
}

// ReadSettings returns the settings of the deployed revision: of the file at the same path as the user's, or, for "", of the nearest
// onward.yaml above the directory. The files that they name are copies. It is nil if that revision has none, as in the change that adds
// onward.yaml, and if the user's file is outside the repository.
func (b *BaseFiles) ReadSettings(ctx context.Context, file string) (*config.Config, error) {
	var settingsFile string
	if file != "" {
		absolute, err := filepath.Abs(file)
		if err != nil {
			return nil, err
		}
		settingsFile = settingsPath(absolute, b.repo.Root())
	} else {
		for dir := b.repo.Prefix(); ; dir = path.Dir(dir) {
			if settingsFile = path.Join(dir, config.Name); adapter.HasFile(b.tree, settingsFile) || dir == "" || dir == "." {
				break
			}
		}
	}
	if settingsFile == "" || !adapter.HasFile(b.tree, settingsFile) {
		return nil, nil
	}
	text, err := b.tree.Read(settingsFile)
	if err != nil {
		return nil, &config.Error{Path: settingsFile, Message: fmt.Sprintf("cannot be read at %s: %v", b.tree.Name(), err)}
	}
	c, err := config.DecodeIn(text, settingsFile, Names())
	if err != nil {
		return nil, err
	}
	c.Path = filepath.Join(b.repo.Root(), filepath.FromSlash(settingsFile))
	for i := range c.Workload {
		if c.Workload[i], err = b.Copy(ctx, c.Resolve(c.Workload[i])); err != nil {
			return nil, err
		}
	}
	if c.Baseline != "" {
		c.Baseline, err = b.Copy(ctx, c.Resolve(c.Baseline))
	}
	return c, err
}

// Copy returns the path of a copy, as it is at the deployed revision, of a file or directory that the user or the settings name. The
// path itself is returned if it is the user's own. A file of the branch that the deployed revision lacks is an error.
func (b *BaseFiles) Copy(ctx context.Context, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	absolute, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	places := b.listRepositoryPaths(absolute)
	if len(places) == 0 {
		return name, nil
	}
	place, files := b.listFilesOfFirstPath(places)
	if len(files) == 0 {
		if tracked, err := b.isTracked(ctx, places); err != nil || !tracked {
			return name, err
		}
		return "", &config.InputError{Err: fmt.Errorf("%s is not at %s, and --trust base counts no file of the branch: "+
			"it counts after the merge, or from outside the repository", name, b.tree.Name())}
	}
	if b.copies == "" {
		if b.copies, b.remove, err = scratch.Make("base"); err != nil {
			return "", err
		}
	}
	for _, p := range files {
		if err := b.copyFile(p); err != nil {
			return "", &config.InputError{Err: fmt.Errorf("%s at %s: %w", p, b.tree.Name(), err)}
		}
	}
	return filepath.Join(b.copies, filepath.FromSlash(place)), nil
}

func (b *BaseFiles) copyFile(p string) error {
	text, err := b.tree.Read(p)
	if err != nil {
		return err
	}
	file := filepath.Join(b.copies, filepath.FromSlash(p))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

// listFilesOfFirstPath returns the first of the paths that the deployed revision has, and the files at it or below it.
func (b *BaseFiles) listFilesOfFirstPath(places []string) (place string, files []string) {
	for _, place := range places {
		for _, p := range b.tree.Paths() {
			if p == place || strings.HasPrefix(p, place+"/") {
				files = append(files, p)
			}
		}
		if len(files) > 0 {
			return place, files
		}
	}
	return "", nil
}

// listRepositoryPaths returns the paths below the root by which a file is in the repository: by its name, and after links.
func (b *BaseFiles) listRepositoryPaths(absolute string) (out []string) {
	add := func(root, file string) {
		if relative, err := filepath.Rel(root, file); err == nil && filepath.IsLocal(relative) {
			out = append(out, filepath.ToSlash(relative))
		}
	}
	resolve := func(file string) string {
		if real, err := filepath.EvalSymlinks(file); err == nil {
			return real
		}
		return file
	}
	root := resolve(b.repo.Root())
	add(b.repo.Root(), absolute) // as it is written
	if wd, err := os.Getwd(); err == nil {
		if relative, err := filepath.Rel(wd, absolute); err == nil {
			add(root, filepath.Join(resolve(wd), relative)) // the way to the repository may have links, too
		}
	}
	add(root, filepath.Join(resolve(filepath.Dir(absolute)), filepath.Base(absolute))) // a link itself
	add(root, resolve(absolute))                                                       // what the link names
	return out
}

// isTracked reports whether git tracks one of the paths, or something below or above it, in the working tree.
func (b *BaseFiles) isTracked(ctx context.Context, places []string) (bool, error) {
	if b.working == nil {
		t, err := b.repo.Head(ctx, "")
		if err != nil {
			return false, err
		}
		b.working = t
	}
	for _, f := range b.working.Files() {
		for _, p := range places {
			if !f.Untracked && (f.Path == p || strings.HasPrefix(f.Path, p+"/") || strings.HasPrefix(p, f.Path+"/")) {
				return true, nil
			}
		}
	}
	return false, nil
}
