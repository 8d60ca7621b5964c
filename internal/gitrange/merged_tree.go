package gitrange

import (
	"context"
	"crypto/sha1" //nolint:gosec // as git names contents
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"

	"github.com/onward-sql/onward/internal/scratch"
)

// mergedTree is a Tree: the files of a head after a merge with the base. No commit of the merge exists.
type mergedTree struct {
	repo    *Repo
	name    string
	files   list
	origins map[string]*origin // by path
	modules map[string]string  // submodules

	mu  sync.Mutex // guards dir
	dir string     // the checkout, after it is made
}

// origin is where a file of a merged tree comes from. other and ancestor are set if both sides changed it: their contents are merged.
type origin struct {
	tree            fileTree
	file            File
	other, ancestor *origin

	once    sync.Once
	content []byte
	err     error
}

// mostMerged limits the size of files whose contents are merged or hashed, in bytes.
const mostMerged = 8 << 20

// listFiles lists the merged files. Those on disk get ids too, because most callers find their results by them.
func (t *mergedTree) listFiles() {
	t.files = make(list, 0, len(t.origins))
	for place, o := range t.origins {
		f := o.file
		f.Path = place
		if f.ID == "" && f.Size <= mostMerged && !f.Symlink && f.Err == nil {
			if content, err := o.tree.Read(o.file.Path); err == nil {
				f.ID = fmt.Sprintf("%x", sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(content), content))) //nolint:gosec // as git does
			}
		}
		if o.other != nil {
			f.Size = -1
			if f.ID != "" {
				f.ID = "merge " + f.ID + " " + o.ancestor.file.ID + " " + o.other.file.ID
			}
		}
		t.files = append(t.files, f)
	}
	t.files.sortPaths()
}

// Name is the head's name.
func (t *mergedTree) Name() string  { return t.name }
func (t *mergedTree) Files() []File { return t.files }

func (t *mergedTree) Read(path string) ([]byte, error) {
	o, err := t.findOrigin(path)
	if err != nil {
		return nil, err
	}
	return t.readOrigin(o)
}

// findOrigin finds the origin of a path, or of the file to which it links.
func (t *mergedTree) findOrigin(path string) (*origin, error) {
	o := t.origins[path]
	if o == nil {
		return nil, notInTreeError(path, t.name)
	}
	if !o.file.Symlink {
		return o, nil
	}
	to, err := t.files.resolvePath(path, t.linkTarget)
	if err != nil {
		return nil, err
	}
	if o = t.origins[to]; o == nil || o.file.Symlink {
		return nil, fmt.Errorf("read %s at %s: it links to %s, which is not a file there: %w", path, t.name, to, fs.ErrNotExist)
	}
	return o, nil
}

func (t *mergedTree) readOrigin(o *origin) ([]byte, error) {
	if o.other == nil {
		return o.tree.Read(o.file.Path)
	}
	o.once.Do(func() { o.content, o.err = t.mergeContents(o) })
	return o.content, o.err
}

// mergeContents merges a file that both sides changed. If git cannot merge it, it is the head's.
func (t *mergedTree) mergeContents(o *origin) ([]byte, error) {
	ours, err := o.tree.Read(o.file.Path)
	if err != nil {
		return nil, err
	}
	theirs, theirErr := o.other.tree.Read(o.other.file.Path)
	ancestor, wasErr := o.ancestor.tree.Read(o.ancestor.file.Path)
	if theirErr != nil || wasErr != nil || max(len(ours), len(theirs), len(ancestor)) > mostMerged {
		return ours, nil
	}
	dir, remove, err := scratch.Make("merge")
	if err != nil {
		return nil, err
	}
	defer func() { _ = remove() }() // the next run removes what is left
	var names []string
	for i, text := range [][]byte{ours, ancestor, theirs} {
		name := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(name, text, 0o600); err != nil {
			return nil, fmt.Errorf("merge %s: %w", o.file.Path, err)
		}
		names = append(names, name)
	}
	out, err := t.repo.git.runForOutput(t.repo.batch.ctx, append([]string{"merge-file", "-p"}, names...)...)
	if _, conflict := errors.AsType[*GitError](err); conflict {
		if out = mergeJSON(ours, ancestor, theirs); out != nil {
			return out, nil
		}
		out, err = t.repo.git.runForOutput(t.repo.batch.ctx, append([]string{"merge-file", "-p", "--ours"}, names...)...)
	}
	if _, refused := errors.AsType[*GitError](err); refused {
		return ours, nil // it is binary
	}
	if err != nil {
		return nil, fmt.Errorf("merge %s: %w", o.file.Path, err)
	}
	return out, nil
}

func (t *mergedTree) ReadAll(paths []string) (map[string][]byte, error) {
	got, failed, err := t.readEach(paths)
	return got, joinFailures(failed, err)
}

// readEach reads the files of each side at once.
func (t *mergedTree) readEach(paths []string) (got map[string][]byte, failed []error, err error) {
	got, failed = make(map[string][]byte, len(paths)), make([]error, len(paths))
	wanted := map[fileTree][]int{} // indexes into paths
	origins := make([]*origin, len(paths))
	for i, p := range paths {
		o, err := t.findOrigin(p)
		switch {
		case err != nil:
			failed[i] = err
		case o.other != nil:
			got[p], failed[i] = t.readOrigin(o)
		default:
			origins[i], wanted[o.tree] = o, append(wanted[o.tree], i)
		}
	}
	for tree, indexes := range wanted {
		names := make([]string, len(indexes))
		for k, i := range indexes {
			names[k] = origins[i].file.Path
		}
		contents, failures, err := tree.readEach(names)
		if err != nil {
			return got, failed, err
		}
		for k, i := range indexes {
			if failed[i] = failures[k]; failed[i] == nil {
				got[paths[i]] = contents[names[k]]
			}
		}
	}
	return got, failed, nil
}

// linkTarget reads a symbolic link.
func (t *mergedTree) linkTarget(f File) (string, error) {
	o := t.origins[f.Path]
	return o.tree.linkTarget(o.file)
}

// Dir writes the files to a temporary directory, once.
func (t *mergedTree) Dir(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.repo.checkOut(ctx, t, &t.dir)
}

// mergeJSON merges two versions of a JSON file. Lists keep the elements that each side added: both sides write to the end of a
// journal of migrations, which is a conflict of texts. It is nil if one of the files is no JSON.
func mergeJSON(ours, ancestor, theirs []byte) []byte {
	var values [3]any
	for i, text := range [][]byte{ours, ancestor, theirs} {
		if json.Unmarshal(text, &values[i]) != nil {
			return nil
		}
	}
	out, err := json.MarshalIndent(mergeValues(values[0], values[1], values[2]), "", "  ")
	if err != nil {
		return nil
	}
	return out
}

// mergeValues merges two versions of a value. If both sides changed it, it is ours.
func mergeValues(ours, ancestor, theirs any) any {
	if reflect.DeepEqual(ours, ancestor) {
		return theirs
	}
	switch ours := ours.(type) {
	case []any:
		before, _ := ancestor.([]any)
		if list, ok := theirs.([]any); ok {
			return mergeLists(ours, before, list)
		}
	case map[string]any:
		before, _ := ancestor.(map[string]any)
		if object, ok := theirs.(map[string]any); ok {
			return mergeObjects(ours, before, object)
		}
	}
	return ours
}

// mergeLists returns the elements of the other side that this one did not remove, and those that it added.
func mergeLists(ours, ancestor, theirs []any) []any {
	contains := func(list []any, x any) bool {
		return slices.ContainsFunc(list, func(y any) bool { return reflect.DeepEqual(x, y) })
	}
	out := []any{}
	for _, x := range theirs {
		if contains(ours, x) || !contains(ancestor, x) {
			out = append(out, x)
		}
	}
	for _, x := range ours {
		if !contains(ancestor, x) && !contains(theirs, x) {
			out = append(out, x)
		}
	}
	return out
}

func mergeObjects(ours, ancestor, theirs map[string]any) map[string]any {
	out := map[string]any{}
	for key, x := range theirs {
		if _, existed := ancestor[key]; !existed || ours[key] != nil {
			out[key] = x
		}
	}
	for key, x := range ours {
		before, existed := ancestor[key]
		switch other, exists := theirs[key]; {
		case exists:
			out[key] = mergeValues(x, before, other)
		case !existed || !reflect.DeepEqual(x, before):
			out[key] = x
		}
	}
	return out
}
