package gitrange

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

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
