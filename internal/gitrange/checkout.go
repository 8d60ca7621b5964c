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

// Dir writes the commit's files to a temporary directory, once. It writes the stored
// contents and does not use git checkout, so no index, filter, hook or attribute of the
// repository has an effect. A file that is damaged or too large is left out unless it is
// Python: the directory is there to import from.
func (t *commitTree) Dir(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.repo.mu.Lock()
	closed := t.repo.closed
	t.repo.mu.Unlock()
	if closed {
		return "", fmt.Errorf("check out %s: %w", t.name, errClosed)
	}
	if *t.dir != "" {
		return *t.dir, nil
	}
	dir, remove, err := scratch.Make("checkout")
	if err != nil {
		return "", fmt.Errorf("check out %s: %w", t.name, err)
	}
	dir = resolveLinks(dir)
	if err := t.writeTo(ctx, dir); err != nil {
		return "", errors.Join(fmt.Errorf("check out %s: %w", t.name, err), remove())
	}
	t.repo.mu.Lock()
	if closed = t.repo.closed; !closed {
		t.repo.temp = append(t.repo.temp, remove)
	}
	t.repo.mu.Unlock()
	if closed {
		return "", errors.Join(fmt.Errorf("check out %s: %w", t.name, errClosed), remove())
	}
	*t.dir = dir
	return dir, nil
}

func (t *commitTree) writeTo(ctx context.Context, dir string) error {
	made := map[string]bool{dir: true}
	var links []File
	var files []File
	for _, f := range t.files {
		switch {
		case !safePath(f.Path):
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
		if err := t.writeFiles(dir, part, made); err != nil {
			return err
		}
	}
	// Links are written last, so that no file is written through one.
	for _, f := range links {
		if _, err := t.files.resolvePath(f.Path, t.readLink); err != nil {
			if _, missing := errors.AsType[*MissingObjectsError](err); missing {
				return err
			}
			continue // it points outside the tree, or in circles
		}
		to, err := t.readLink(f)
		if err != nil {
			return err
		}
		name, err := prepareTarget(dir, f.Path, made)
		if err != nil {
			return err
		}
		if err := os.Symlink(filepath.FromSlash(to), name); err != nil {
			return err
		}
	}
	return nil
}

func (t *commitTree) writeFiles(dir string, files []File, made map[string]bool) error {
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
		name, err := prepareTarget(dir, f.Path, made)
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
func prepareTarget(dir, file string, made map[string]bool) (string, error) {
	name := filepath.Join(dir, filepath.FromSlash(file))
	parent := filepath.Dir(name)
	if !made[parent] {
		if err := os.MkdirAll(parent, 0o755); err != nil {
			return "", err
		}
		made[parent] = true
	}
	return name, nil
}

// safePath says whether a path of a commit may be written: inside the
// directory, and not into something that git would take for a repository.
func safePath(path string) bool {
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
