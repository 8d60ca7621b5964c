package audit

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Draft is the release of a working tree while its files are edited. It is read once, and
// judged again for each text that is not on disk yet. The base is folded once, and its code
// is asked once for each question. It may be used by one goroutine at a time.
type Draft struct {
	release *Release
	head    *keptTree
	// later are the history's problems besides those that comparing two sets finds.
	later [][]history.Change
	// now are the pairs for the last texts, which are in texts.
	now   []pair
	texts map[string]string
}

// Drafted is the result for a release with some texts.
type Drafted struct {
	// Report is the report of [Changelog].
	Report *onward.Report
	// Judged are the migrations of the release by their paths, with the analysis of their
	// statements.
	Judged map[string]*Folded
	// Schema is the schema after the release, of the database with most of the release; it is
	// never nil.
	Schema *Catalog
}

// ReadDraft reads the release of the working tree around a directory. It runs no code of the
// repository, whatever Still is.
//
// Errors: as for [Read].
func ReadDraft(ctx context.Context, c Config) (*Draft, error) {
	c.Head, c.Still = "", true
	r, err := Read(ctx, c)
	if err != nil {
		return nil, err
	}
	d := &Draft{release: r, head: &keptTree{Tree: r.a.head, read: map[string]keptFile{}}, now: r.pairs}
	for i, p := range r.pairs {
		comparedCount := len(compareRevisions(p, r.a.rng.Changes).history)
		d.later = append(d.later, r.compared[i].history[min(comparedCount, len(r.compared[i].history)):])
	}
	return d, nil
}

// Close stops reading the repository.
func (d *Draft) Close() error { return d.release.Close() }

// Root is the repository's directory.
func (d *Draft) Root() string { return d.release.Root() }

// Holds reports whether a file is in a directory of migrations that are judged, and is SQL or in a language that some of them are in: beside
// a changelog of Liquibase, a file of the application's own TypeScript is not.
func (d *Draft) Holds(file string) bool {
	return slices.ContainsFunc(d.release.pairs, func(p pair) bool {
		ext := path.Ext(file)
		return isInSource(p, file) &&
			(ext == ".sql" || slices.ContainsFunc(p.head.Migrations, func(m *adapter.Migration) bool { return path.Ext(m.Path) == ext }))
	})
}

// Size returns how many rows a table of the deployed schema has, -1 if that is not known, and
// how many bytes without its indexes; ok is false if its size is not known.
func (d *Draft) Size(table Name) (rows, bytes int64, ok bool) {
	if d.release.a.known.sizes == nil {
		return 0, 0, false
	}
	t, ok := d.release.a.known.sizes.TableSize(table)
	return t.Rows, t.DataBytes(), ok
}

// isInSource reports whether a file is a migration of a source, or in a directory that its tool reads.
func isInSource(p pair, file string) bool {
	if slices.ContainsFunc(p.head.Migrations, func(m *adapter.Migration) bool { return m.Path == file }) {
		return true
	}
	rest, in := cutDir(p.source.Dir, file)
	return in && p.source.Owns(file) && (p.source.Deep || !strings.Contains(rest, "/"))
}

// Judge judges the release with other texts for some files, by their paths in the repository.
//
// Errors: an adapter's, for a directory that cannot be read with these texts; as for
// [Release.Audit].
func (d *Draft) Judge(ctx context.Context, texts map[string]string) (*Drafted, error) {
	if err := d.reloadChanged(ctx, texts); err != nil {
		return nil, err
	}
	a := d.release.a
	changes := d.listChanges(texts)
	compared := make([]*comparison, len(d.now))
	for i, p := range d.now {
		compared[i] = compareRevisions(p, changes)
		compared[i].history = append(compared[i].history, d.later[i]...)
	}
	a.groupByDatabase(d.now)
	d.release.a = a // the results of the base are kept
	out := &Drafted{Judged: map[string]*Folded{}}
	a.keep = func(_ int, m *rule.Migration) { out.Judged[m.Path] = m }
	var err error
	if out.Report, err = a.judgeRelease(d.now, compared, d.release.usage); err != nil {
		return nil, err
	}
	if out.Schema = catalog.New(); len(a.databases) > 0 {
		if head := a.databases[d.release.mainDatabase()].head; head != nil {
			out.Schema = head
		}
	}
	return out, nil
}

// Measure is [Release.Measure] for the release that [Draft.Judge] judged.
func (d *Draft) Measure(to []onward.Effect, result *Result) string {
	return d.release.Measure(to, result)
}

// WritingBeside is [Release.WritingBeside] for the release that [Draft.Judge] judged.
func (d *Draft) WritingBeside(ctx context.Context, paths []string) (Writing, error) {
	r := *d.release
	r.pairs = d.now
	return r.WritingBeside(ctx, paths)
}

// reloadChanged reads the sources again in which a text has changed.
func (d *Draft) reloadChanged(ctx context.Context, texts map[string]string) error {
	overlaid := &overlay{keptTree: d.head, texts: texts}
	changed := func(p pair) bool {
		for _, set := range []map[string]string{texts, d.texts} {
			for path := range set {
				now, inNew := texts[path]
				if oldText, inOld := d.texts[path]; (inNew != inOld || now != oldText) && isInSource(p, path) {
					return true
				}
			}
		}
		return false
	}
	next := slices.Clone(d.now)
	for i, p := range next {
		if !changed(p) {
			continue
		}
		set, err := d.release.a.loadSet(ctx, all.ListAdapters(), overlaid, p.head.Source)
		if err != nil {
			return err
		}
		var deployed []*adapter.Migration
		if p.base != nil {
			deployed = p.base.Migrations
		}
		inferSendMode(deployed, set)
		next[i].head = set
	}
	d.now, d.texts = next, texts
	return nil
}

// listChanges returns the release's changes, including files whose texts differ from the disk.
func (d *Draft) listChanges(texts map[string]string) []gitrange.Change {
	rng := d.release.a.rng
	out := slices.Clone(rng.Changes)
	for path := range texts {
		if slices.ContainsFunc(out, func(c gitrange.Change) bool { return c.Path == path && c.Kind != gitrange.Deleted }) {
			continue
		}
		kind := gitrange.Added
		if _, inBase := slices.BinarySearch(d.release.a.base.Paths(), path); inBase {
			kind = gitrange.Modified
		}
		out = append(out, gitrange.Change{Kind: kind, Path: path})
	}
	slices.SortFunc(out, func(a, b gitrange.Change) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// keptTree is a tree whose files are read once.
type keptTree struct {
	adapter.Tree
	mu   sync.Mutex
	read map[string]keptFile
}

type keptFile struct {
	content []byte
	err     error
}

// Read reads a file the first time.
func (t *keptTree) Read(path string) ([]byte, error) {
	t.mu.Lock()
	k, ok := t.read[path]
	t.mu.Unlock()
	if ok {
		return k.content, k.err
	}
	k.content, k.err = t.Tree.Read(path)
	t.mu.Lock()
	t.read[path] = k
	t.mu.Unlock()
	return k.content, k.err
}

// overlay is a tree with other texts for some files.
type overlay struct {
	*keptTree
	texts map[string]string
	paths []string
}

// Paths lists the files of the tree, and those that have a text.
func (o *overlay) Paths() []string {
	if o.paths == nil {
		o.paths = o.keptTree.Paths()
		for path := range o.texts {
			if i, found := slices.BinarySearch(o.paths, path); !found {
				o.paths = slices.Insert(slices.Clone(o.paths), i, path)
			}
		}
	}
	return o.paths
}

// Read returns the current text of a file.
func (o *overlay) Read(path string) ([]byte, error) {
	if text, ok := o.texts[path]; ok {
		return []byte(text), nil
	}
	return o.keptTree.Read(path)
}

// Dir fails: the texts are not on disk.
func (o *overlay) Dir(context.Context) (string, error) {
	return "", errors.Join(errors.New("texts that are not saved have no directory"), fs.ErrNotExist)
}
