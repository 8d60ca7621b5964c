package audit

import (
	"context"
	"errors"
	"io/fs"
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

// Draft is the release of a working tree whose files are being written: read once, and judged
// again for each text that is on no disk yet. What the base has is folded once, and its code
// is asked once for each question. It may be used by one goroutine at a time.
type Draft struct {
	release *Release
	head    *keptTree
	// later is what the release's history says beside what a comparison of two sets does.
	later [][]history.Change
	// now are the pairs as they were made of the last texts, which are texts.
	now   []pair
	texts map[string]string
}

// Drafted is what a release comes to with some texts.
type Drafted struct {
	// Report is that of [Changelog].
	Report *onward.Report
	// Judged are the migrations of the release by their paths, with all that is known of
	// their statements.
	Judged map[string]*Folded
	// Schema is the schema behind the release, of the database that it is mostly about; it
	// is never nil.
	Schema *Catalog
}

// ReadDraft reads the release of the working tree around a directory, and runs nothing of
// the repository, whatever Still says.
//
// Errors: those of [Read].
func ReadDraft(ctx context.Context, c Config) (*Draft, error) {
	c.Head, c.Still = "", true
	r, err := Read(ctx, c)
	if err != nil {
		return nil, err
	}
	d := &Draft{release: r, head: &keptTree{Tree: r.a.head, read: map[string]kept{}}, now: r.pairs}
	for i, p := range r.pairs {
		had := len(compare(p, r.a.rng.Changes).history)
		d.later = append(d.later, r.compared[i].history[min(had, len(r.compared[i].history)):])
	}
	return d, nil
}

// Close ends the reading of the repository.
func (d *Draft) Close() error { return d.release.Close() }

// Root is the repository's directory.
func (d *Draft) Root() string { return d.release.Root() }

// Holds reports whether a file lies where migrations that are judged are kept.
func (d *Draft) Holds(path string) bool {
	return slices.ContainsFunc(d.release.pairs, func(p pair) bool { return owns(p, path) })
}

// Size is how many rows a table of the deployed schema has, -1 where that is not known, and
// how many bytes without its indexes; ok is false where its size is not known.
func (d *Draft) Size(table Name) (rows, bytes int64, ok bool) {
	if d.release.a.known.sizes == nil {
		return 0, 0, false
	}
	t, ok := d.release.a.known.sizes.Table(table)
	return t.Rows, t.Bytes(), ok
}

func owns(p pair, path string) bool {
	if slices.ContainsFunc(p.head.Migrations, func(m *adapter.Migration) bool { return m.Path == path }) {
		return true
	}
	rest, in := below(p.source.Dir, path)
	return in && (p.source.Deep || !strings.Contains(rest, "/"))
}

// Judge judges the release as it is when some files have other texts, by their paths in the
// repository.
//
// Errors: those of the adapters, for a directory that cannot be read with these texts; those
// of [Release.Audit].
func (d *Draft) Judge(ctx context.Context, texts map[string]string) (*Drafted, error) {
	if err := d.load(ctx, texts); err != nil {
		return nil, err
	}
	a := d.release.a
	changes := d.changes(texts)
	compared := make([]*comparison, len(d.now))
	for i, p := range d.now {
		compared[i] = compare(p, changes)
		compared[i].history = append(compared[i].history, d.later[i]...)
	}
	a.share(d.now)
	d.release.a = a // what the base comes to is kept
	out := &Drafted{Judged: map[string]*Folded{}}
	a.keep = func(_ int, m *rule.Migration) { out.Judged[m.Path] = m }
	var err error
	if out.Report, err = a.judge(d.now, compared, d.release.usage); err != nil {
		return nil, err
	}
	if out.Schema = catalog.New(); len(a.heads) > 0 {
		if head := a.heads[d.release.mainDatabase()]; head != nil {
			out.Schema = head
		}
	}
	return out, nil
}

// load reads again the sources in which a text is another one than it was.
func (d *Draft) load(ctx context.Context, texts map[string]string) error {
	over := &overlay{keptTree: d.head, texts: texts}
	changed := func(p pair) bool {
		for _, set := range []map[string]string{texts, d.texts} {
			for path := range set {
				now, is := texts[path]
				if was, had := d.texts[path]; (is != had || now != was) && owns(p, path) {
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
		set, err := d.release.a.set(ctx, all.All(), over, p.head.Source)
		if err != nil {
			return err
		}
		var deployed []*adapter.Migration
		if p.base != nil {
			deployed = p.base.Migrations
		}
		settle(deployed, set)
		next[i].head = set
	}
	d.now, d.texts = next, texts
	return nil
}

// changes are those of the release, with the files that have other texts than on disk.
func (d *Draft) changes(texts map[string]string) []gitrange.Change {
	rng := d.release.a.rng
	out := slices.Clone(rng.Changes)
	for path := range texts {
		if slices.ContainsFunc(out, func(c gitrange.Change) bool { return c.Path == path && c.Kind != gitrange.Deleted }) {
			continue
		}
		kind := gitrange.Added
		if _, has := slices.BinarySearch(d.release.a.base.Paths(), path); has {
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
	read map[string]kept
}

type kept struct {
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

// overlay is a tree in which some files have other texts.
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
			if at, has := slices.BinarySearch(o.paths, path); !has {
				o.paths = slices.Insert(slices.Clone(o.paths), at, path)
			}
		}
	}
	return o.paths
}

// Read gives the text that a file has.
func (o *overlay) Read(path string) ([]byte, error) {
	if text, ok := o.texts[path]; ok {
		return []byte(text), nil
	}
	return o.keptTree.Read(path)
}

// Dir fails: the texts are on no disk.
func (o *overlay) Dir(context.Context) (string, error) {
	return "", errors.Join(errors.New("texts that are not saved have no directory"), fs.ErrNotExist)
}
