package gitrange

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/onward-sql/onward/internal/scratch"
)

// checkoutBatch is how many files are held in memory while checking out.
const checkoutBatch = 256

// fileTree is a tree that can be checked out.
type fileTree interface {
	Tree
	// readEach reads files and returns for each path why it could not be read. err is set if nothing more can be read.
	readEach(paths []string) (got map[string][]byte, failed []error, err error)
	// linkTarget reads a symbolic link.
	linkTarget(f File) (string, error)
}

// Dir writes the commit's files to a temporary directory, once. It writes the stored
// contents and does not use git checkout, so no index, filter, hook or attribute of the
// repository has an effect. A file that is damaged or too large is left out unless it is
// Python: the directory is there to import from.
func (t *commitTree) Dir(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.repo.checkOut(ctx, t, t.dir)
}

// checkOut writes the files of a tree to a temporary directory, which Close removes. checkoutDir keeps the directory for the next call.
func (r *Repo) checkOut(ctx context.Context, t fileTree, checkoutDir *string) (string, error) {
	r.mu.Lock()
	closed := r.closed
	r.mu.Unlock()
	if closed {
		return "", fmt.Errorf("check out %s: %w", t.Name(), errClosed)
	}
	if *checkoutDir != "" {
		return *checkoutDir, nil
	}
	dir, remove, err := scratch.Make("checkout")
	if err != nil {
		return "", fmt.Errorf("check out %s: %w", t.Name(), err)
	}
	dir = resolveLinks(dir)
	if err := writeTree(ctx, t, dir); err != nil {
		return "", errors.Join(fmt.Errorf("check out %s: %w", t.Name(), err), remove())
	}
	r.mu.Lock()
	if closed = r.closed; !closed {
		r.temp = append(r.temp, remove)
	}
	r.mu.Unlock()
	if closed {
		return "", errors.Join(fmt.Errorf("check out %s: %w", t.Name(), errClosed), remove())
	}
	*checkoutDir = dir
	return dir, nil
}

func writeTree(ctx context.Context, t fileTree, dir string) error {
	createdDirs := map[string]bool{dir: true}
	var links []File
	var files []File
	for _, f := range t.Files() {
		switch {
		case !isSafePath(f.Path):
			// A commit made by hand can hold such a path; git refuses to check it out, too.
		case f.Symlink:
			links = append(links, f)
		default:
			files = append(files, f)
		}
	}
	for len(files) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		part := files[:min(checkoutBatch, len(files))]
		files = files[len(part):]
		if err := writeFiles(t, dir, part, createdDirs); err != nil {
			return err
		}
	}
	// Links are written last, so that no file is written through one.
	for _, f := range links {
		if _, err := list(t.Files()).resolvePath(f.Path, t.linkTarget); err != nil {
			if _, missing := errors.AsType[*MissingObjectsError](err); missing {
				return err
			}
			continue // it points outside the tree, or in circles
		}
		to, err := t.linkTarget(f)
		if err != nil {
			return err
		}
		name, err := prepareTarget(dir, f.Path, createdDirs)
		if err != nil {
			return err
		}
		if err := os.Symlink(filepath.FromSlash(to), name); err != nil {
			return err
		}
	}
	return nil
}

func writeFiles(t fileTree, dir string, files []File, createdDirs map[string]bool) error {
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.Path
	}
	contents, failed, err := t.readEach(paths)
	if err != nil {
		return err
	}
	for i, f := range files {
		if failed[i] != nil {
			// If a damaged clone lacks a picture, or a file is a dump of a gigabyte, the
			// project can be rendered without it. A file that a partial clone lacks can be
			// fetched, and may be anything.
			if _, partial := errors.AsType[*MissingObjectsError](failed[i]); partial || path.Ext(f.Path) == ".py" {
				return failed[i]
			}
			continue
		}
		name, err := prepareTarget(dir, f.Path, createdDirs)
		if err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if f.Executable {
			mode = 0o755
		}
		if err := os.WriteFile(name, contents[f.Path], mode); err != nil {
			return err
		}
	}
	return nil
}

// prepareTarget returns where a file goes and makes the directory for it.
func prepareTarget(dir, file string, createdDirs map[string]bool) (string, error) {
	name := filepath.Join(dir, filepath.FromSlash(file))
	parent := filepath.Dir(name)
	if !createdDirs[parent] {
		if err := os.MkdirAll(parent, 0o755); err != nil {
			return "", err
		}
		createdDirs[parent] = true
	}
	return name, nil
}

// isSafePath says whether a path of a commit may be written: inside the
// directory, and not into something that git would take for a repository.
func isSafePath(path string) bool {
	if !filepath.IsLocal(filepath.FromSlash(path)) {
		return false
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." || strings.EqualFold(strings.TrimRight(part, ". "), ".git") {
			return false
		}
	}
	return true
}
