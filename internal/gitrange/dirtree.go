package gitrange

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// DirTree lists files outside git: the given paths, and everything below them if they are
// directories. Paths are relative to root or absolute, and must be inside root; no paths
// means root itself. Directories called .git are skipped.
//
// A directory that is reached through a symbolic link is walked if it is inside root and
// was not walked before, so a loop ends. A file that cannot be listed is in Files with
// its Err. A path that does not exist is an error that wraps fs.ErrNotExist.
func DirTree(root string, paths []string) (Tree, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", root, err)
	}
	abs = resolveLinks(abs)
	info, err := os.Stat(abs)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", root, rootCause(err))
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("list %s: not a directory", root)
	}
	w := &walk{root: abs}
	if len(paths) == 0 {
		paths = []string{"."}
	}
	for _, p := range paths {
		local, err := w.relativeToRoot(p)
		if err != nil {
			return nil, err
		}
		info, err := os.Lstat(filepath.Join(abs, local))
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", p, rootCause(err))
		}
		// Links above the path given are the user's; below, the walk sees them.
		full := filepath.Join(resolveLinks(filepath.Dir(filepath.Join(abs, local))), filepath.Base(local))
		if local == "." {
			full = abs
		}
		if entry := (spot{local, full}); info.IsDir() {
			w.walkDir(entry)
		} else {
			w.recordFile(entry, info.Mode().Type())
		}
	}
	w.followLinks()
	w.files.sortPaths()
	if len(paths) > 1 { // which may be one inside another
		w.files = slices.CompactFunc(w.files, func(a, b File) bool { return a.Path == b.Path })
	}
	return &diskTree{name: root, root: abs, files: w.files}, nil
}

// spot is the position of the walk.
type spot struct {
	local string // below the root, along the path of the walk
	full  string // without symbolic links, except in its last part
}

// walk collects the files of a DirTree.
type walk struct {
	root string
	part
}

// part is the result for some directories.
type part struct {
	files list
	links []spot   // to look at in the end
	dirs  []string // that were listed, by their full spot
}

// relativeToRoot is p relative to the root.
func (w *walk) relativeToRoot(p string) (string, error) {
	local := filepath.Clean(p)
	if filepath.IsAbs(p) {
		// The last part stays as it is: it may be a link.
		rel, err := filepath.Rel(w.root, filepath.Join(resolveLinks(filepath.Dir(local)), filepath.Base(local)))
		if err != nil {
			return "", fmt.Errorf("list %s: %w", p, err)
		}
		if !filepath.IsLocal(rel) && resolveLinks(local) == w.root {
			rel = "."
		}
		local = rel
	}
	if !filepath.IsLocal(local) {
		return "", fmt.Errorf("list %s: it is not inside %s", p, w.root)
	}
	return local, nil
}

// recordFile records a path that is no directory.
func (p *part) recordFile(entry spot, kind fs.FileMode) {
	path := filepath.ToSlash(entry.local)
	switch {
	case kind&fs.ModeSymlink != 0:
		p.links = append(p.links, entry)
	case kind.IsRegular():
		p.files = append(p.files, File{Path: path, Size: -1})
	default:
		p.files = append(p.files, File{Path: path, Size: -1, Err: fmt.Errorf("read %s: %s, not a file", path, kindOfFile(kind))})
	}
}

// kindOfFile returns the kind of a file.
func kindOfFile(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

// listDir records the content of a directory, and returns the directories in it.
func (p *part) listDir(dir spot) (subdirs []spot) {
	p.dirs = append(p.dirs, dir.full)
	entries, err := os.ReadDir(dir.full)
	if err != nil {
		path := filepath.ToSlash(dir.local)
		p.files = append(p.files, File{Path: path, Size: -1, Err: fmt.Errorf("read %s: %w", path, rootCause(err))})
	}
	for _, e := range entries {
		if e.Name() == ".git" {
			continue
		}
		next := spot{local: joinName(dir.local, e.Name())}
		if e.Type().IsRegular() {
			p.recordFile(next, 0)
			continue
		}
		next.full = joinName(dir.full, e.Name())
		if e.IsDir() {
			subdirs = append(subdirs, next)
		} else {
			p.recordFile(next, e.Type())
		}
	}
	return subdirs
}

// walkDir lists a directory and everything below it, on all processors.
func (w *walk) walkDir(dir spot) {
	// The walk starts at the top, until there are enough directories for all processors.
	const enough = 64
	todo := []spot{dir}
	for len(todo) > 0 && len(todo) < enough {
		todo = append(todo[1:], w.listDir(todo[0])...)
	}
	var next atomic.Int64
	var workers sync.WaitGroup
	parts := make([]part, min(runtime.GOMAXPROCS(0), len(todo)))
	for k := range parts {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(todo); i = int(next.Add(1)) - 1 {
				for pending := []spot{todo[i]}; len(pending) > 0; {
					last := len(pending) - 1
					pending = append(pending[:last], parts[k].listDir(pending[last])...)
				}
			}
		})
	}
	workers.Wait()
	for _, p := range parts {
		w.files = append(w.files, p.files...)
		w.links = append(w.links, p.links...)
		w.dirs = append(w.dirs, p.dirs...)
	}
}

// joinName is filepath.Join of a clean path and a name in it.
func joinName(dir, name string) string {
	if dir == "." || os.IsPathSeparator(dir[len(dir)-1]) {
		return filepath.Join(dir, name)
	}
	return dir + string(filepath.Separator) + name
}

// followLinks visits the targets of the symbolic links. It runs last, so that a directory has
// its own name and not a link's.
func (w *walk) followLinks() {
	if len(w.links) == 0 {
		return
	}
	walked := map[string]bool{}
	for len(w.links) > 0 {
		// The processors find them in any order. Sorting makes the first one give its
		// name to a target of several links.
		slices.SortFunc(w.links, func(a, b spot) int { return strings.Compare(a.local, b.local) })
		for _, dir := range w.dirs {
			walked[dir] = true
		}
		w.dirs = nil
		link := w.links[0]
		w.links = w.links[1:]
		if to := w.followLink(link); to != "" && !walked[to] {
			w.walkDir(spot{link.local, to})
		}
	}
}

// followLink records a file that a symbolic link points to, or returns the directory.
func (w *walk) followLink(link spot) (dir string) {
	f := File{Path: filepath.ToSlash(link.local), Size: -1, Symlink: true}
	to, err := filepath.EvalSymlinks(link.full)
	switch {
	case err != nil:
		// The system's error for a loop is better than the one of EvalSymlinks.
		if _, statErr := os.Stat(link.full); statErr != nil {
			err = statErr
		}
		f.Err = fmt.Errorf("read %s: %w", f.Path, rootCause(err))
		if errors.Is(err, fs.ErrNotExist) {
			f.Err = fmt.Errorf("read %s: it links to something that is not there: %w", f.Path, fs.ErrNotExist)
		}
	case !isBelow(w.root, to):
		f.Err = &OutsideError{Path: f.Path, Target: to}
	default:
		info, err := os.Stat(to)
		switch {
		case err != nil:
			f.Err = fmt.Errorf("read %s: %w", f.Path, rootCause(err))
		case info.IsDir():
			if isBelow(to, link.full) {
				return "" // a loop
			}
			return to
		case !info.Mode().IsRegular():
			f.Err = fmt.Errorf("read %s: it links to something that is not a file", f.Path)
		}
	}
	w.files = append(w.files, f)
	return ""
}

// isBelow says whether path is dir or inside it, by name.
func isBelow(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}
