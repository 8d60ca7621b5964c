package gitrange

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
)

// Edits are texts of the working tree that are not on disk, by path. A file whose text is nil is deleted.
type Edits map[string]*string

// SetEdits makes the working tree that [Repo.Range] returns have other texts than the disk.
func (r *Repo) SetEdits(edits Edits) { r.edits = edits }

// editedTree is a working tree with some files that differ from the disk.
type editedTree struct {
	*diskTree
	edits Edits
	files list
	repo  *Repo

	mu  sync.Mutex // guards dir
	dir string     // the checkout, after it is made
}

func (r *Repo) newEditedTree(work *diskTree, edits Edits) *editedTree {
	t := &editedTree{diskTree: work, edits: edits, repo: r}
	for _, f := range work.files {
		if _, edited := edits[f.Path]; !edited {
			t.files = append(t.files, f)
		}
	}
	for path, text := range edits {
		if text != nil {
			t.files = append(t.files, File{Path: path, Size: int64(len(*text)), Untracked: work.untracked[path]})
		}
	}
	t.files.sortPaths()
	return t
}

// computeEditedChanges returns the changes from a commit with these files to an edited working tree. A renamed file that is
// edited counts as renamed.
func computeEditedChanges(changes []Change, before list, edits Edits) []Change {
	var out []Change
	for _, c := range changes {
		text, edited := edits[c.Path]
		switch {
		case !edited, text != nil && c.Kind == Renamed:
			out = append(out, c)
		case c.Kind == Renamed: // and now deleted
			out = append(out, Change{Kind: Deleted, Path: c.OldPath})
		}
	}
	for path, text := range edits {
		if slices.ContainsFunc(out, func(c Change) bool { return c.Path == path && c.Kind == Renamed }) {
			continue
		}
		_, existed := before.findPath(path)
		switch {
		case text == nil && existed:
			out = append(out, Change{Kind: Deleted, Path: path})
		case text != nil && existed:
			out = append(out, Change{Kind: Modified, Path: path})
		case text != nil:
			out = append(out, Change{Kind: Added, Path: path})
		}
	}
	slices.SortFunc(out, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return out
}

func (t *editedTree) Files() []File { return t.files }

func (t *editedTree) Read(path string) ([]byte, error) {
	text, edited := t.edits[path]
	switch {
	case !edited:
		return t.diskTree.Read(path)
	case text == nil:
		return nil, notInTreeError(path, t.name)
	}
	return []byte(*text), nil
}

func (t *editedTree) ReadAll(paths []string) (map[string][]byte, error) {
	got, failed, _ := t.readEach(paths) // it has no error of its own
	return got, errors.Join(failed...)
}

func (t *editedTree) readEach(paths []string) (got map[string][]byte, failed []error, err error) {
	var disk []string
	for _, p := range paths {
		if _, edited := t.edits[p]; !edited {
			disk = append(disk, p)
		}
	}
	got, onDisk, err := t.diskTree.readEach(disk)
	failed = make([]error, len(paths))
	for i, p := range paths {
		if _, edited := t.edits[p]; !edited {
			failed[i], onDisk = onDisk[0], onDisk[1:]
			continue
		}
		var data []byte
		if data, failed[i] = t.Read(p); failed[i] == nil {
			got[p] = data
		}
	}
	return got, failed, err
}

// Dir writes the edited files to a temporary directory, once, as a commit's.
func (t *editedTree) Dir(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.repo.checkOut(ctx, t, &t.dir)
}
