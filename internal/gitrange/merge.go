package gitrange

import (
	"cmp"
	"path"
	"strings"
)

// mergeSide is what one side of a merge did since the ancestor.
type mergeSide struct {
	tree    fileTree
	files   list
	movedTo map[string]string // by paths of the ancestor: where renamed files are here
	cameAs  map[string]string // the reverse
	changed map[string]bool   // files whose content differs, by their path here
	moves   map[string]string // directories whose files all went to another one
}

// newMergeSide returns a side of a merge with its changes since the ancestor.
func newMergeSide(tree fileTree, changes []Change) *mergeSide {
	s := &mergeSide{tree: tree, files: tree.Files(), movedTo: map[string]string{}, cameAs: map[string]string{}, changed: map[string]bool{}}
	for i := range changes {
		c := &changes[i]
		s.changed[c.Path] = c.Kind != Renamed || c.Similarity < 100
		if c.Kind == Renamed {
			s.movedTo[c.OldPath], s.cameAs[c.Path] = c.Path, c.OldPath
		}
	}
	s.findMovedDirs()
	return s
}

// findMovedDirs finds the directories that this side has emptied by moving files to one other directory under the same names.
func (s *mergeSide) findMovedDirs() {
	counts := map[string]map[string]int{}
	for from, to := range s.movedTo {
		if dir := path.Dir(from); path.Base(from) == path.Base(to) && dir != path.Dir(to) {
			if counts[dir] == nil {
				counts[dir] = map[string]int{}
			}
			counts[dir][path.Dir(to)]++
		}
	}
	if len(counts) == 0 {
		return
	}
	for _, f := range s.files {
		delete(counts, path.Dir(f.Path)) // something stayed
	}
	s.moves = make(map[string]string, len(counts))
	for dir, targets := range counts {
		best := ""
		for to, n := range targets {
			if n > targets[best] || n == targets[best] && to < best {
				best = to
			}
		}
		s.moves[dir] = best
	}
}

// findAncestorFile finds a file of the ancestor on this side, under its present name.
func (s *mergeSide) findAncestorFile(ancestorPath string) (File, bool) {
	if to := s.movedTo[ancestorPath]; to != "" {
		return s.files.findPath(to)
	}
	if s.cameAs[ancestorPath] != "" {
		return File{}, false // another file has taken its name
	}
	return s.files.findPath(ancestorPath)
}

// listAdded returns the files of this side that the ancestor does not have.
func (s *mergeSide) listAdded(ancestor list) []File {
	var out []File
	for _, f := range s.files {
		if _, existed := ancestor.findPath(f.Path); !existed && s.cameAs[f.Path] == "" {
			out = append(out, f)
		}
	}
	return out
}

// movedPath returns the path of a file that the other side adds: this side may have moved its directory.
func (s *mergeSide) movedPath(file string) string {
	if to, moved := s.moves[path.Dir(file)]; moved {
		return path.Join(to, path.Base(file))
	}
	return file
}

// mergeTrees merges the head into the base as git does: file by file, with renames. It resolves conflicts for the head.
func (r *Repo) mergeTrees(ancestor *commitTree, base, head *mergeSide) *mergedTree {
	t := &mergedTree{repo: r, name: head.tree.Name(), modules: submodulesOf(head.tree), origins: map[string]*origin{}}
	for _, ancestorFile := range ancestor.files {
		theirs, inBase := base.findAncestorFile(ancestorFile.Path)
		ours, inHead := head.findAncestorFile(ancestorFile.Path)
		oursChanged, theirsChanged := head.changed[ours.Path], base.changed[theirs.Path]
		switch {
		case !inHead, !inBase && !oursChanged: // deleted
		case !inBase:
			t.origins[ours.Path] = &origin{tree: head.tree, file: ours}
		case !oursChanged || haveSameContent(base.tree, theirs, head.tree, ours):
			t.origins[cmp.Or(head.movedTo[ancestorFile.Path], theirs.Path)] = &origin{tree: base.tree, file: theirs}
		default:
			o := &origin{tree: head.tree, file: ours}
			if theirsChanged && !ours.Symlink && !theirs.Symlink && !ancestorFile.Symlink {
				o.other, o.ancestor = &origin{tree: base.tree, file: theirs}, &origin{tree: ancestor, file: ancestorFile}
			}
			t.origins[cmp.Or(head.movedTo[ancestorFile.Path], theirs.Path)] = o
		}
	}
	for _, f := range head.listAdded(ancestor.files) {
		place, o := base.movedPath(f.Path), &origin{tree: head.tree, file: f}
		if theirs, ok := base.files.findPath(place); ok && haveSameContent(base.tree, theirs, head.tree, f) {
			o = &origin{tree: base.tree, file: theirs}
		}
		t.origins[place] = o
	}
	for _, f := range base.listAdded(ancestor.files) {
		if place := head.movedPath(f.Path); t.origins[place] == nil {
			t.origins[place] = &origin{tree: base.tree, file: f}
		}
	}
	t.listFiles()
	return t
}

// haveSameContent reports whether two files have the same content. A file on disk may have other line ends than the commit.
func haveSameContent(a fileTree, x File, b fileTree, y File) bool {
	if x.Symlink != y.Symlink || x.ID != "" && y.ID != "" {
		return x.Symlink == y.Symlink && x.ID == y.ID
	}
	first, err := a.Read(x.Path)
	if err != nil {
		return false
	}
	second, err := b.Read(y.Path)
	unixLines := func(text []byte) string { return strings.ReplaceAll(string(text), "\r\n", "\n") }
	return err == nil && unixLines(first) == unixLines(second)
}

// listMergedChanges lists the changes from the base to the merged files. head are the head's own changes, for their renames.
func listMergedChanges(base *commitTree, merged *mergedTree, head []Change) []Change {
	isNew := func(p string) bool {
		_, existed := base.files.findPath(p)
		return !existed && merged.origins[p] != nil
	}
	isGone := func(p string) bool {
		_, existed := base.files.findPath(p)
		return existed && merged.origins[p] == nil
	}
	var out []Change
	renamed := map[string]bool{}
	add := func(c Change) {
		renamed[c.Path], renamed[c.OldPath] = true, true
		out = append(out, c)
	}
	for _, c := range head {
		if c.Kind == Renamed && isNew(c.Path) && isGone(c.OldPath) {
			add(c)
		}
	}
	for place, o := range merged.origins {
		if o.tree == fileTree(base) && o.other == nil && o.file.Path != place && !renamed[place] && isNew(place) && isGone(o.file.Path) {
			add(Change{Kind: Renamed, Path: place, OldPath: o.file.Path, Similarity: 100})
		}
	}
	for place, o := range merged.origins {
		switch {
		case renamed[place]:
		case isNew(place):
			out = append(out, Change{Kind: Added, Path: place})
		case o.tree != fileTree(base) || o.file.Path != place:
			out = append(out, Change{Kind: Modified, Path: place})
		}
	}
	for _, f := range base.files {
		if merged.origins[f.Path] == nil && !renamed[f.Path] {
			out = append(out, Change{Kind: Deleted, Path: f.Path})
		}
	}
	return out
}
