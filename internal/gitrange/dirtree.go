package gitrange

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// DirTree lists files outside git: the given paths, and everything below those
// that are directories. Paths are relative to root or absolute, and must be
// inside root; none means root itself. Directories called .git are passed over.
//
// A directory that is reached through a symbolic link is walked when it is
// inside root and was not walked otherwise, so a loop ends. What cannot be
// listed stands in Files with its Err. A path that does not exist is an error
// that wraps fs.ErrNotExist.
func DirTree(root string, paths []string) (Tree, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", root, err)
	}
	abs = resolved(abs)
	info, err := os.Stat(abs)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", root, cause(err))
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("list %s: not a directory", root)
	}
	w := &walk{root: abs, walked: map[string]bool{}}
	if len(paths) > 1 {
		w.seen = map[string]bool{}
	}
	if len(paths) == 0 {
		paths = []string{"."}
	}
	for _, p := range paths {
		local, err := w.local(p)
		if err != nil {
			return nil, err
		}
		info, err := os.Lstat(filepath.Join(abs, local))
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", p, cause(err))
		}
		// Links above the path given are the user's; below, the walk sees them.
		full := filepath.Join(resolved(filepath.Dir(filepath.Join(abs, local))), filepath.Base(local))
		if local == "." {
			full = abs
		}
		if info.IsDir() {
			w.ahead(full)
		}
		w.visit(spot{local, full}, info.Mode().Type())
	}
	// Links last, so that a directory has its own name rather than a link's.
	for len(w.links) > 0 {
		link := w.links[0]
		w.links = w.links[1:]
		w.follow(link)
	}
	w.files.sort()
	return &diskTree{name: root, root: abs, files: w.files}, nil
}

// spot is where the walk is.
type spot struct {
	local string // under the root, by the way taken
	full  string // without symbolic links, except in its last part; "" for a file
}

// walk collects the files of a DirTree.
type walk struct {
	root   string
	files  list
	seen   map[string]bool    // listed, where paths may be given twice; nil for one path
	walked map[string]bool    // directories, by their full spot
	links  []spot             // to look at in the end
	listed map[string]listing // directories that were listed ahead, by their full spot
}

// local is p relative to the root.
func (w *walk) local(p string) (string, error) {
	local := filepath.Clean(p)
	if filepath.IsAbs(p) {
		// The last part stays as it is: it may be a link.
		rel, err := filepath.Rel(w.root, filepath.Join(resolved(filepath.Dir(local)), filepath.Base(local)))
		if err != nil {
			return "", fmt.Errorf("list %s: %w", p, err)
		}
		if !filepath.IsLocal(rel) && resolved(local) == w.root {
			rel = "."
		}
		local = rel
	}
	if !filepath.IsLocal(local) {
		return "", fmt.Errorf("list %s: it is not inside %s", p, w.root)
	}
	return local, nil
}

func (w *walk) add(f File) {
	if w.seen != nil {
		if w.seen[f.Path] {
			return
		}
		w.seen[f.Path] = true
	}
	w.files = append(w.files, f)
}

func (w *walk) visit(at spot, kind fs.FileMode) {
	switch {
	case kind.IsDir():
		if !w.walked[at.full] {
			w.walked[at.full] = true
			w.read(at)
		}
	case kind&fs.ModeSymlink != 0:
		w.links = append(w.links, at)
	case kind.IsRegular():
		w.add(File{Path: filepath.ToSlash(at.local), Size: -1})
	default:
		path := filepath.ToSlash(at.local)
		w.add(File{Path: path, Size: -1, Err: fmt.Errorf("read %s: not a file", path)})
	}
}

// read lists a directory.
func (w *walk) read(at spot) {
	l, ok := w.listed[at.full]
	if !ok {
		l.entries, l.err = os.ReadDir(at.full)
	}
	delete(w.listed, at.full)
	if l.err != nil {
		path := filepath.ToSlash(at.local)
		w.add(File{Path: path, Size: -1, Err: fmt.Errorf("read %s: %w", path, cause(l.err))})
	}
	for _, e := range l.entries {
		if e.Name() == ".git" {
			continue
		}
		next := spot{local: join(at.local, e.Name())}
		if !e.Type().IsRegular() {
			next.full = join(at.full, e.Name())
		}
		w.visit(next, e.Type())
	}
}

// join is filepath.Join of a clean path and a name in it.
func join(dir, name string) string {
	if dir == "." || os.IsPathSeparator(dir[len(dir)-1]) {
		return filepath.Join(dir, name)
	}
	return dir + string(filepath.Separator) + name
}

// follow looks at what a symbolic link leads to.
func (w *walk) follow(link spot) {
	f := File{Path: filepath.ToSlash(link.local), Size: -1, Symlink: true}
	to, err := filepath.EvalSymlinks(link.full)
	if err != nil {
		// The system's words for a loop are better than EvalSymlinks'.
		if _, statErr := os.Stat(link.full); statErr != nil {
			err = statErr
		}
		f.Err = fmt.Errorf("read %s: %w", f.Path, cause(err))
		w.add(f)
		return
	}
	if !below(w.root, to) {
		f.Err = &OutsideError{Path: f.Path, Target: to}
		w.add(f)
		return
	}
	info, err := os.Stat(to)
	switch {
	case err != nil:
		f.Err = fmt.Errorf("read %s: %w", f.Path, cause(err))
	case info.IsDir():
		if !below(to, link.full) { // else it is a loop
			w.visit(spot{link.local, to}, fs.ModeDir)
		}
		return
	case !info.Mode().IsRegular():
		f.Err = fmt.Errorf("read %s: it links to something that is not a file", f.Path)
	}
	w.add(f)
}

// below says whether path is dir or inside it, by name.
func below(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}
