package gitrange

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/scratch"
)

// Kind says what happened to a file between base and head.
type Kind string

// The kinds of change.
const (
	Added    Kind = "added"
	Modified Kind = "modified" // also a file that became a symbolic link, and one in conflict
	Deleted  Kind = "deleted"
	Renamed  Kind = "renamed" // with or without edits
)

// Change is one file that differs between base and head.
type Change struct {
	Kind    Kind
	Path    string // at head; for Deleted, at base
	OldPath string // at base, for Renamed; else ""
	// Similarity is how much of a Renamed file stayed, in percent.
	Similarity int
}

// Range is everything between the deployed revision and the one to deploy.
type Range struct {
	// Base has the files of the deployed revision. Head has the release's files: commits of the base that the head lacks
	// are merged into it as git does, with conflicts resolved for the head.
	Base, Head Tree
	// Ancestor is the merge base of the two revisions, and Branch the head before the merge; nil without a merge.
	Ancestor, Branch Tree
	BaseName         string // as people call it: "main", "origin/main", "3f2a91c"
	HeadName         string // "feature/x"; "working tree" on the base's own branch and on none
	ParentRev        string // full id of the merge base
	HeadRev          string // full id; for the working tree, of the commit it is on
	// Changes from Base to Head, sorted by path. Uncommitted and untracked files
	// count when Head is the working tree.
	Changes []Change
	// BaseChanges are the changes from Ancestor to Base.
	BaseChanges []Change
	// Modules are the submodules that are new at head, or at another commit: their
	// files are in neither tree.
	Modules []string
}

// Range resolves base and head as Base and Head do, and lists the changes.
//
// Errors: as for [Repo.Base] and [Repo.Head]; [*NoMergeBaseError].
func (r *Repo) Range(ctx context.Context, base, head string) (*Range, error) {
	var tip revision
	var err error
	if head == "" {
		tip, err = r.resolveHead(ctx)
	} else {
		tip, err = r.resolveRevision(ctx, head)
	}
	if err != nil {
		return nil, err
	}
	from, mergeBase, err := r.resolveMergeBase(ctx, base, tip)
	if err != nil {
		return nil, err
	}
	rg := &Range{BaseName: from.name, HeadName: tip.name, ParentRev: mergeBase, HeadRev: tip.id}
	parent, err := r.treeOfCommit(ctx, mergeBase, from.name)
	if err != nil {
		return nil, err
	}
	var after fileTree
	if head != "" {
		var commit *commitTree
		if commit, err = r.treeOfCommit(ctx, tip.id, tip.name); err != nil {
			return nil, err
		}
		after = commit
		rg.Changes, err = r.findRenames(ctx, nil, compareLists(parent.files, commit.files), mergeBase, tip.id)
	} else {
		var work *diskTree
		if work, err = r.listWorkingTree(ctx); err != nil {
			return nil, err
		}
		after, rg.HeadName = work, r.workingTreeName(ctx, from.name)
		rg.Changes, err = r.diffWorkingTree(ctx, mergeBase, work)
		if r.edits != nil {
			after, rg.Changes = r.newEditedTree(work, r.edits), computeEditedChanges(rg.Changes, parent.files, r.edits)
		}
	}
	rg.Base, rg.Head = parent, after
	if err == nil && from.id != mergeBase {
		err = r.setMergedRange(ctx, rg, from, parent, after)
	}
	if err != nil {
		return nil, fmt.Errorf("compare %s with %s: %w", rg.BaseName, rg.HeadName, err)
	}
	rg.Modules = listMovedSubmodules(parent, after)
	slices.SortFunc(rg.Changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return rg, nil
}

// setMergedRange makes a range start at the base's tip and end at the head after a merge.
func (r *Repo) setMergedRange(ctx context.Context, rg *Range, tip revision, parent *commitTree, head fileTree) error {
	base, err := r.treeOfCommit(ctx, tip.id, tip.name)
	if err != nil {
		return err
	}
	if rg.BaseChanges, err = r.findRenames(ctx, nil, compareLists(parent.files, base.files), parent.id, tip.id); err != nil {
		return err
	}
	merged := r.mergeTrees(parent, newMergeSide(base, rg.BaseChanges), newMergeSide(head, rg.Changes))
	rg.Changes = listMergedChanges(base, merged, rg.Changes)
	rg.Base, rg.Head, rg.Ancestor, rg.Branch = base, merged, parent, head
	return nil
}

// workingTreeName returns the name of the working tree: its branch.
func (r *Repo) workingTreeName(ctx context.Context, base string) string {
	out, err := r.git.runForOutput(ctx, "symbolic-ref", "--short", "-q", "HEAD")
	branch := strings.TrimSpace(string(out))
	if err != nil || branch == "" || branch == base || strings.HasSuffix(base, "/"+branch) {
		return WorkingTree
	}
	return branch
}

// compareLists returns the differences between the files of two commits, without renames.
func compareLists(before, after list) []Change {
	var changes []Change
	for len(before)+len(after) > 0 {
		switch {
		case len(after) == 0 || len(before) > 0 && before[0].Path < after[0].Path:
			changes = append(changes, Change{Kind: Deleted, Path: before[0].Path})
			before = before[1:]
		case len(before) == 0 || after[0].Path < before[0].Path:
			changes = append(changes, Change{Kind: Added, Path: after[0].Path})
			after = after[1:]
		default:
			oldFile, newFile := before[0], after[0]
			if oldFile.ID != newFile.ID || oldFile.Symlink != newFile.Symlink || oldFile.Executable != newFile.Executable {
				changes = append(changes, Change{Kind: Modified, Path: newFile.Path})
			}
			before, after = before[1:], after[1:]
		}
	}
	return changes
}

// findRenames joins added and deleted files to renamed ones. It compares two commits or, with one, a commit and the
// working tree.
func (r *Repo) findRenames(ctx context.Context, env []string, changes []Change, commits ...string) ([]Change, error) {
	moved := listPossibleRenames(changes)
	if len(moved) == 0 {
		return changes, nil
	}
	if argumentLength(moved) > maxArgumentBytes() {
		moved = nil // all paths
	}
	renames, err := r.diffPaths(ctx, env, "-M", commits, moved)
	if err != nil && isMissingObject(err) {
		// The clone is partial, or damaged. Without the contents, only renames of
		// identical files can be found.
		renames, err = r.diffPaths(ctx, env, "-M100%", commits, moved)
	}
	if err != nil || moved == nil {
		return renames, err
	}
	compared := make(map[string]bool, len(moved))
	for _, p := range moved {
		compared[p] = true
	}
	return append(slices.DeleteFunc(changes, func(c Change) bool { return compared[c.Path] }), renames...), nil
}

// diffPaths runs git's comparison, of all paths if the list is empty. It uses the porcelain command, because that compares
// contents if only times differ.
func (r *Repo) diffPaths(ctx context.Context, env []string, renames string, commits, paths []string) ([]Change, error) {
	args := []string{"--literal-pathspecs", "diff", "--raw", "-z", renames, "--no-abbrev", "--no-ext-diff", "--no-textconv",
		"--no-color", "--no-relative", "--ignore-submodules=all"}
	out, err := r.git.runWithInput(ctx, nil, env, slices.Concat(args, commits, []string{"--"}, paths)...)
	if err != nil {
		return nil, err
	}
	return parseRawDiff(out)
}

// maxArgumentBytes limits the length of git's command line, in bytes.
func maxArgumentBytes() int {
	if runtime.GOOS == "windows" {
		return 24 << 10
	}
	return 512 << 10
}

// argumentLength returns the length of some paths as arguments.
func argumentLength(paths []string) (n int) {
	for _, p := range paths {
		n += len(p) + 3
	}
	return n
}

// notCode matches endings of files that hold neither code nor statements. git takes most of a comparison's time to look for
// renames among them.
var notCode = lazyregexp.New(`(?i)\.(?:png|jpe?g|gif|webp|avif|ico|bmp|svg|psd|pdf|woff2?|ttf|otf|eot|mp[34]|webm|mov|wav|ogg|zip|t?gz|bz2|xz|7z|jar|wasm|` +
	`s?css|sass|less|md|mdx|rst|po|pot|lock|snap)$`)

// listPossibleRenames returns the files that were added or deleted, if there are both.
func listPossibleRenames(changes []Change) []string {
	var paths []string
	found := map[Kind]bool{}
	for i := range changes {
		if c := &changes[i]; (c.Kind == Added || c.Kind == Deleted) && !notCode.MatchString(c.Path) {
			paths = append(paths, c.Path)
			found[c.Kind] = true
		}
	}
	if !found[Added] || !found[Deleted] {
		return nil
	}
	return paths
}

// emptyBlob is the id of an empty file, by the length of the repository's ids.
var emptyBlob = map[int]string{
	40: "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
	64: "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
}

// diffWorkingTree compares a commit with the working tree as if the untracked files had been
// added: an untracked file may be a deleted one under its new name, and the answer must
// not depend on git add. It works on a copy of the index. There, the untracked files have
// an empty content, which git considers outdated. In the copy, git diff may write
// refreshed file times, which it does whatever GIT_OPTIONAL_LOCKS says.
func (r *Repo) diffWorkingTree(ctx context.Context, base string, work *diskTree) (changes []Change, err error) {
	dir, remove, err := scratch.Make("index")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	index := filepath.Join(dir, "index")
	if err := r.copyIndex(ctx, index); err != nil {
		return nil, fmt.Errorf("copy the index: %w", err)
	}
	env := []string{"GIT_INDEX_FILE=" + index}
	if len(work.untracked) > 0 {
		var entries bytes.Buffer
		for _, f := range work.files {
			if !work.untracked[f.Path] {
				continue
			}
			mode := "100644"
			if f.Symlink {
				mode = modeSymlink
			}
			fmt.Fprintf(&entries, "%s %s\t%s\x00", mode, emptyBlob[len(base)], f.Path)
		}
		if _, err := r.git.runWithInput(ctx, &entries, env, "update-index", "-z", "--index-info"); err != nil {
			return nil, err
		}
	}
	changes, err = r.diffPaths(ctx, env, "--no-renames", []string{base}, nil)
	if err != nil {
		return nil, err
	}
	return r.findRenames(ctx, env, changes, base)
}

// copyIndex copies the index that git uses here to name, if there is one.
func (r *Repo) copyIndex(ctx context.Context, name string) error {
	out, err := r.git.runForOutput(ctx, "rev-parse", "--git-path", "index")
	if err != nil {
		return err
	}
	index := strings.TrimSuffix(string(out), "\n")
	if !filepath.IsAbs(index) {
		index = filepath.Join(r.root, index)
	}
	info, err := os.Stat(index)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	data, err := os.ReadFile(index)
	if err != nil {
		return err
	}
	if err := os.WriteFile(name, data, 0o600); err != nil {
		return err
	}
	// Git reads the files that are no older than the index, because they may have changed
	// within the clock's resolution. The copy gets the index's time.
	return os.Chtimes(name, time.Time{}, info.ModTime())
}
