package gitrange

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
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

// MaxFileSize is the most that Read returns, in bytes. A larger file is a
// [*TooLargeError].
const MaxFileSize = 256 << 20

// Tree is a set of files at one moment: a commit, the working tree, or files
// named on the command line. Paths are slash-separated and relative to the
// root, with the bytes they have on disk or in git.
type Tree interface {
	// Name says which tree this is, for people: "main", "3f2a91c", "working tree".
	Name() string
	// Files returns all files, sorted by path. The slice is shared: do not change it.
	Files() []File
	// Read returns the content of one of Files, with the line ends it has there. It is shared: do not change it.
	// A symbolic link is followed inside the tree; otherwise *OutsideError.
	// A path that is not in Files is fs.ErrNotExist.
	Read(path string) ([]byte, error)
	// ReadAll reads many files at once, much faster than one by one. A file that
	// cannot be read is missing from the result, and the joined error says why
	// for each (one *MissingObjectsError covers all that it is true of).
	// Contents are shared: do not change them.
	ReadAll(paths []string) (map[string][]byte, error)
	// Dir returns a directory on disk that holds the tree: the working tree
	// itself, or a temporary checkout that is made once and removed by
	// Repo.Close. A checkout has file contents as stored, without filters and
	// line-end conversion, no submodules, and no link that leads out of it;
	// what is damaged or too large may be absent, unless it is Python.
	Dir(ctx context.Context) (dir string, err error)
}

// File is a file of a Tree.
type File struct {
	Path       string
	ID         string // git's blob id of the content; "" for a file on disk
	Size       int64  // bytes; -1 when not known without reading the file
	Symlink    bool   // a symbolic link, to a file unless Err says otherwise
	Executable bool   // the owner's execute permission; false in a DirTree
	Untracked  bool   // in the working tree and not in git's index
	// Err says why nothing can be read here (an unreadable directory, a link out of the
	// root); Read returns the same. The files below it are unknown.
	Err error
}

// list is the files of a tree, sorted by path.
type list []File

func (l list) findPath(path string) (File, bool) {
	i, ok := slices.BinarySearchFunc(l, path, func(f File, p string) int { return strings.Compare(f.Path, p) })
	if !ok {
		return File{}, false
	}
	return l[i], true
}

func (l list) sortPaths() {
	byPath := func(a, b File) int { return strings.Compare(a.Path, b.Path) }
	if !slices.IsSortedFunc(l, byPath) {
		slices.SortFunc(l, byPath)
	}
}

// maxLinks is how many symbolic links may follow each other, as on Linux.
const maxLinks = 40

// resolvePath returns the path that the symbolic link at start leads to, component
// by component as a file system would; target reads a link.
func (l list) resolvePath(start string, target func(File) (string, error)) (string, error) {
	var done []string
	todo := strings.Split(start, "/")
	links := 0
	last := ""
	for len(todo) > 0 {
		part := todo[0]
		todo = todo[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if len(done) == 0 {
				return "", &OutsideError{Path: start, Target: last}
			}
			done = done[:len(done)-1]
			continue
		}
		current := path.Join(append(slices.Clone(done), part)...)
		f, ok := l.findPath(current)
		if !ok || !f.Symlink {
			done = append(done, part)
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("read %s: too many levels of symbolic links", start)
		}
		to, err := target(f)
		if err != nil {
			return "", err
		}
		if last = to; path.IsAbs(to) {
			return "", &OutsideError{Path: start, Target: to}
		}
		todo = append(strings.Split(to, "/"), todo...)
	}
	return strings.Join(done, "/"), nil
}

func notInTreeError(path, tree string) error {
	return fmt.Errorf("read %s at %s: %w", path, tree, fs.ErrNotExist)
}

// listSubmodules lists the submodules in the output of git ls-tree -r -z or ls-files -s -z, by
// path, with their commits.
func listSubmodules(out []byte) map[string]string {
	if !bytes.Contains(out, []byte(modeSubmodule+" ")) {
		return nil
	}
	list := map[string]string{}
	for record := range bytes.SplitSeq(out, []byte{0}) {
		head, path, found := strings.Cut(string(record), "\t")
		words := strings.Fields(head)
		if modeIndex := slices.Index(words, modeSubmodule); found && modeIndex >= 0 && modeIndex <= 1 && len(words) > modeIndex+1 {
			id := words[modeIndex+1]
			if id == "commit" && len(words) > modeIndex+2 {
				id = words[modeIndex+2] // ls-tree names the kind
			}
			list[path] = id
		}
	}
	return list
}

// listMovedSubmodules lists the submodules of head that base does not have at the same
// commit.
func listMovedSubmodules(base, head Tree) []string {
	baseModules := submodulesOf(base)
	var out []string
	for path, id := range submodulesOf(head) {
		if baseModules[path] != id {
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return out
}

func submodulesOf(t Tree) map[string]string {
	switch t := t.(type) {
	case *commitTree:
		return t.modules
	case *editedTree:
		return t.modules
	case *diskTree:
		return t.modules
	case *mergedTree:
		return t.modules
	}
	return nil
}
