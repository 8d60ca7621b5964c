package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// compareWithTip compares the release with migrations that were added to the base after the
// release branched off. They are in no schema that is judged, but their versions are in
// use: the adapter loads both together. It skips frameworks that order migrations by
// dependencies instead of versions.
func (a *changelog) compareWithTip(ctx context.Context, p pair, c *comparison) {
	if a.rng.Tip == nil || len(c.release) == 0 || all.Traits(p.source.Framework).Graph {
		return
	}
	both := newUnionTree(a.head, a.base, gittree.Of(a.rng.Tip), p.source.Dir)
	if len(both.added) == 0 {
		return
	}
	set, err := a.loadSet(ctx, all.ListAdapters(), both, p.source)
	if err != nil {
		return
	}
	ours := map[string]*adapter.Migration{}
	for _, m := range c.release {
		ours[m.migration.ID] = m.migration
	}
	last := -1
	var theirs []string
	for i, m := range set.Migrations {
		if both.added[m.Path] && ours[m.ID] == nil && !m.Repeatable {
			last, theirs = i, append(theirs, m.ID)
		}
	}
	if last < 0 {
		return
	}
	a.opaque = append(a.opaque, onward.Opaque{
		Path: cmp.Or(p.source.Dir, "."), What: prose.EnumerateNames(theirs),
		Why: fmt.Sprintf("came to %s after %s had parted from it, and is ignored here", a.rng.BaseName, a.rng.HeadName),
	})
	said := map[string]bool{}
	for _, h := range c.history {
		said[h.Migration] = true
	}
	for _, h := range set.History {
		if ours[h.Migration] == nil {
			h.Migration, h.Other = h.Other, h.Migration
		}
		m := ours[h.Migration]
		if m == nil || ours[h.Other] != nil || said[m.ID] || !slices.Contains(theirs, h.Other) {
			continue
		}
		h.Path, said[m.ID] = m.Path, true
		c.history = append(c.history, h)
	}
	for _, m := range set.Migrations[:last] {
		if x := ours[m.ID]; x != nil && !said[m.ID] && !m.Repeatable {
			c.history = append(c.history, history.Change{
				Kind: history.OutOfOrder, Migration: x.ID, Path: x.Path, Other: set.Migrations[last].ID, Runner: set.HistoryBehavior.OutOfOrder,
			})
		}
	}
}

// unionTree is a tree with added files of another tree below a directory.
type unionTree struct {
	adapter.Tree
	paths []string
	tip   adapter.Tree
	added map[string]bool
}

func newUnionTree(head, base, tip adapter.Tree, dir string) *unionTree {
	u := &unionTree{Tree: head, tip: tip, added: map[string]bool{}}
	prefix := dir + "/"
	if dir == "" {
		prefix = ""
	}
	for _, p := range tip.Paths() {
		if strings.HasPrefix(p, prefix) && !adapter.HasFile(base, p) && !adapter.HasFile(head, p) {
			u.added[p] = true
			u.paths = append(u.paths, p)
		}
	}
	u.paths = append(u.paths, head.Paths()...)
	slices.Sort(u.paths)
	return u
}

// Paths lists the files of both.
func (u *unionTree) Paths() []string { return u.paths }

// Read reads a file from the tree that has it.
func (u *unionTree) Read(path string) ([]byte, error) {
	if u.added[path] {
		return u.tip.Read(path)
	}
	return u.Tree.Read(path)
}

// Dir fails: the union is not on disk.
func (u *unionTree) Dir(context.Context) (string, error) {
	return "", errors.New("two revisions together have no directory")
}
