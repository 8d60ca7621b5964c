package gitrange

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
)

// commitTree has the files of a commit.
type commitTree struct {
	repo    *Repo
	name    string // for people: "main"
	id      string // of the commit
	files   list
	missing map[string]bool // blob ids that a partial clone does not have

	modules map[string]string // submodules

	mu  *sync.Mutex // guards dir; shared by all trees of one commit, which differ in their names
	dir *string     // the checkout, after it is made
}

// treeOfCommit returns the tree of a commit by its full id. It is listed once.
func (r *Repo) treeOfCommit(ctx context.Context, id, name string) (*commitTree, error) {
	r.mu.Lock()
	known := r.commits[id]
	r.mu.Unlock()
	if known == nil {
		t, err := r.listCommit(ctx, id, name)
		if err != nil {
			return nil, err
		}
		r.mu.Lock()
		if r.commits[id] == nil {
			r.commits[id] = t
		}
		known = r.commits[id]
		r.mu.Unlock()
	}
	tree := *known
	tree.name = name
	return &tree, nil
}

func (r *Repo) listCommit(ctx context.Context, id, name string) (*commitTree, error) {
	t := &commitTree{repo: r, name: name, id: id, mu: new(sync.Mutex), dir: new(string)}
	args := []string{"ls-tree", "-r", "-z", "--full-tree", "--long", id}
	if r.partial {
		// Sizes would need the contents, which may be absent.
		args = []string{"ls-tree", "-r", "-z", "--full-tree", id}
	}
	out, err := r.git.runForOutput(ctx, args...)
	if err != nil {
		if r.partial && isMissingObject(err) {
			return nil, &MissingObjectsError{Rev: name, Run: r.fetchObjectsCommand()}
		}
		return nil, fmt.Errorf("list the files of %s: %w", name, err)
	}
	files, err := parseTree(out)
	if err != nil {
		return nil, fmt.Errorf("list the files of %s: %w", name, err)
	}
	t.files, t.modules = files, listSubmodules(out)
	t.files.sortPaths()
	if r.partial {
		if t.missing, err = r.listMissingBlobs(ctx, id); err != nil {
			return nil, fmt.Errorf("list the missing files of %s: %w", name, err)
		}
	}
	return t, nil
}

// listMissingBlobs returns which objects of a commit are not here. Asking cat-file for one of
// them would end it.
func (r *Repo) listMissingBlobs(ctx context.Context, id string) (map[string]bool, error) {
	out, err := r.git.runForOutput(ctx, "rev-list", "--objects", "--no-walk", "--missing=print", id)
	if err != nil {
		return nil, err
	}
	missing := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if line[0] == '?' {
			missing[strings.TrimSpace(line[1:])] = true
		}
	}
	return missing, nil
}

func (t *commitTree) Name() string  { return t.name }
func (t *commitTree) Files() []File { return t.files }

func (t *commitTree) Read(path string) ([]byte, error) {
	got, err := t.ReadAll([]string{path})
	if err != nil {
		return nil, err
	}
	return got[path], nil
}

func (t *commitTree) ReadAll(paths []string) (map[string][]byte, error) {
	got, failed, err := t.readEach(paths)
	return got, joinFailures(failed, err)
}

// joinFailures joins the errors of several files. Contents that a partial clone lacks have one error for all of them.
func joinFailures(failed []error, err error) error {
	var failures []error
	for _, f := range failed {
		if _, missing := errors.AsType[*MissingObjectsError](f); f != nil && (!missing || !slices.Contains(failures, f)) {
			failures = append(failures, f)
		}
	}
	return errors.Join(append(failures, err)...)
}

// readEach reads files. err is set if git itself ended; some paths then have no answer.
func (t *commitTree) readEach(paths []string) (got map[string][]byte, failed []error, err error) {
	got = make(map[string][]byte, len(paths))
	failed = make([]error, len(paths)) // nil for no error
	ids := make([]string, 0, len(paths))
	wanted := make([]int, 0, len(paths)) // index into paths, as ids
	lacks := &MissingObjectsError{Rev: t.name, Run: t.repo.fetchObjectsCommand()}
	for i, p := range paths {
		f, err := t.findFile(p)
		switch {
		case err != nil:
			failed[i] = err
		case t.missing[f.ID]:
			failed[i] = lacks
			if lacks.Count++; lacks.Count <= 5 {
				lacks.Paths = append(lacks.Paths, p)
			}
		default:
			ids = append(ids, f.ID)
			wanted = append(wanted, i)
		}
	}
	err = t.repo.batch.readObjects(ids, func(k int, data []byte, err error) {
		p := paths[wanted[k]]
		if err == nil {
			got[p] = data
			return
		}
		if large, ok := errors.AsType[*TooLargeError](err); ok {
			large.Path = p
			failed[wanted[k]] = large
			return
		}
		failed[wanted[k]] = fmt.Errorf("read %s at %s: %w", p, t.name, err)
	})
	if err != nil {
		err = fmt.Errorf("read files of %s: %w", t.name, err)
	}
	return got, failed, err
}

// findFile finds the entry whose content Read gives for path: path itself, or what
// it links to.
func (t *commitTree) findFile(path string) (File, error) {
	f, ok := t.files.findPath(path)
	if !ok {
		return File{}, notInTreeError(path, t.name)
	}
	if !f.Symlink {
		return f, nil
	}
	to, err := t.files.resolvePath(path, t.linkTarget)
	if err != nil {
		return File{}, err
	}
	end, ok := t.files.findPath(to)
	if !ok {
		return File{}, fmt.Errorf("read %s at %s: it links to %s, which is not a file there: %w", path, t.name, to, fs.ErrNotExist)
	}
	return end, nil
}

// linkTarget reads a symbolic link.
func (t *commitTree) linkTarget(f File) (string, error) {
	if t.missing[f.ID] {
		return "", &MissingObjectsError{Rev: t.name, Paths: []string{f.Path}, Count: 1, Run: t.repo.fetchObjectsCommand()}
	}
	var to string
	var failed error
	err := t.repo.batch.readObjects([]string{f.ID}, func(_ int, data []byte, err error) { to, failed = string(data), err })
	if err = errors.Join(err, failed); err != nil {
		return "", fmt.Errorf("read the link %s at %s: %w", f.Path, t.name, err)
	}
	return to, nil
}
