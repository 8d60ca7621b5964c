package audit

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// comparison is how a release changes one source of migrations.
type comparison struct {
	// deployed are the migrations of the base, in its order. schema are those that make its schema.
	deployed, schema []*adapter.Migration
	// release are the new ones, in the order of the head.
	release []releasedMigration
	deleted []*adapter.Migration
	// replaced are migrations of the head whose changes a plan under way makes.
	replaced []*adapter.Migration
	history  []history.Change
	// touched are git's changes of the files, by their paths at the head; nil if a migration is more than its file.
	touched map[string]gitrange.Change
}

// releasedMigration is a migration of the release. The judge needs its run.
type releasedMigration struct {
	migration *adapter.Migration
	status    onward.Status
	run       run
}

// compareRevisions compares the migrations of base and head, by ID. A migration of the base may be applied somewhere: an
// edit, a deletion or another name is a finding, not a new migration.
func compareRevisions(p pair, changes []gitrange.Change) *comparison {
	c, traits := &comparison{}, all.Traits(p.source.Framework)
	if !traits.Renders {
		c.touched = make(map[string]gitrange.Change, len(changes))
		for _, x := range changes {
			c.touched[x.Path] = x
		}
	}
	base := map[string]*adapter.Migration{}
	if p.base != nil {
		c.deployed, c.schema = p.base.Migrations, p.base.SchemaMigrations()
		for _, m := range p.base.Migrations {
			base[m.ID] = m
		}
	}
	head := map[string]bool{}
	for _, m := range p.head.Migrations {
		head[m.ID] = true
	}
	moved := findRenames(p, base, head, changes)
	c.recordAdded(p, base, head, moved)
	if traits.Graph {
		c.history = append(c.history, findNewDependencies(p.head, base, moved)...)
	}
	c.recordRemoved(p, head, moved)
	for _, h := range findNewHistoryProblems(p, base) {
		c.history = append(c.history, pointAtNewMigration(h, base, p.head.Migrations))
	}
	c.history = append(c.history, c.findUnmigratedColumns(p)...)
	c.history = append(c.history, c.findOmittedColumns(p)...)
	c.history = append(c.history, c.findRemovedKeys(p)...)
	return c
}

// searchPathSet matches the line of a script that sets search_path.
var searchPathSet = lazyregexp.New(`(?im)^\s*(?:SET\s+(?:LOCAL\s+|SESSION\s+)?search_path|SELECT\s+(?:pg_catalog\.)?set_config\(\s*'search_path')`)

func setsPath(m *adapter.Migration) bool { return searchPathSet.MatchString(m.Source.Text) }

// recordAdded records the migrations that the release adds or edits. base are the deployed ones, head the IDs
// at the head, moved the migrations with another name there.
func (c *comparison) recordAdded(p pair, base map[string]*adapter.Migration, head map[string]bool, moved map[string]*adapter.Migration) {
	lastDeployed := -1
	for i, m := range p.head.Migrations {
		if base[m.ID] != nil && !m.Repeatable { // these run after all others, each time
			lastDeployed = i
		}
	}
	newest := int64(0)
	for _, m := range base {
		newest = max(newest, m.Order)
	}
	isPathSet := sync.OnceValue(func() bool { return p.base != nil && slices.ContainsFunc(p.base.Migrations, setsPath) })
	for i, m := range p.head.Migrations {
		if strings.Contains(m.Source.Text, "search_path") && isPathSet() {
			m.Runner.RowTable = history.QualifiedRow // a deployed one has set it, and the tool found its table
		}
		old := base[m.ID]
		if from := moved[m.ID]; old == nil && from != nil {
			c.recordRename(from, m, p.head.HistoryBehavior.Renamed)
			continue
		}
		recorded, ran, lacking := compareReplacedMigrations(m, base, head)
		switch {
		case old == nil && (recorded || m.Baseline && len(base) > 0):
		case old == nil && len(lacking) > 0:
			c.recordPartialSquash(m, ran, lacking, p.head.HistoryBehavior.PartlyReplaced)
		case old == nil && i > lastDeployed && m.Order > 0 && m.Order <= newest: // a squash that databases take for applied
		case old == nil:
			c.release = append(c.release, releasedMigration{migration: m, status: onward.StatusNew})
			if i < lastDeployed && !all.Traits(p.source.Framework).Graph && !m.Repeatable && !m.Late {
				c.history = append(c.history, history.Change{
					Kind: history.OutOfOrder, Migration: m.ID, Path: m.Path, Other: p.head.Migrations[lastDeployed].ID, Runner: p.head.HistoryBehavior.OutOfOrder,
				})
			}
		case c.isUnchanged(old, m), isSquashCleanup(old, m), hasDuplicateVersion(p.head, m):
		case m.Repeatable:
			c.release = append(c.release, releasedMigration{migration: m, status: onward.StatusModified})
		case keepsDeployedParts(old, m):
			if more := selectNewParts(old, m); len(more.Source.Parts) > 0 {
				c.release = append(c.release, releasedMigration{migration: more, status: onward.StatusModified})
			}
		default:
			c.recordEdit(old, m, p.head.HistoryBehavior.Edited)
		}
	}
}

// hasDuplicateVersion reports whether another file has the migration's version: it may be the deployed one.
func hasDuplicateVersion(set *adapter.Set, m *adapter.Migration) bool {
	return slices.ContainsFunc(set.History, func(h history.Change) bool {
		return h.Kind == history.Duplicate && h.Migration != m.ID && (h.Path == m.Path || h.Other == path.Base(m.Path))
	})
}

// recordRemoved records the migrations that the release removes. head are those that stay.
func (c *comparison) recordRemoved(p pair, head map[string]bool, moved map[string]*adapter.Migration) {
	movedIDs := map[string]bool{}
	for _, from := range moved {
		movedIDs[from.ID] = true
	}
	replaced, needed, installed := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, m := range p.head.Migrations {
		app, _, _ := strings.Cut(m.ID, ".")
		installed[app] = true
		for _, id := range m.After {
			needed[id] = true
		}
		for _, id := range m.Replaces {
			replaced[id] = true
		}
	}
	for _, m := range c.deployed {
		if head[m.ID] {
			for _, id := range m.Replaces {
				replaced[id] = true // the base has recorded the squashed one
			}
		}
	}
	last := lastKeptIndex(c.deployed, p.head, head)
	for i, m := range c.deployed {
		if head[m.ID] || movedIDs[m.ID] || replaced[m.ID] || p.ahead[m.ID] || m.Repeatable && p.base.HistoryBehavior.Deleted == "" {
			continue
		}
		c.deleted = append(c.deleted, m)
		h := history.Change{
			Kind:      history.Deleted,
			Migration: m.ID,
			Path:      m.Path,
			Runner:    p.base.HistoryBehavior.Deleted,
			Directory: len(p.head.Migrations) == 0,
			Ended:     p.ended,
		}
		if p.base.HistoryBehavior.Forgets && i > last && !m.Repeatable && len(c.release) == 0 {
			h.Runner = ""
		}
		if p.base.HistoryBehavior.LastOnly && i+1 < len(c.deployed) {
			h.Runner = ""
		}
		if p.restarted != nil {
			h.Other, h.Detail, h.Repeats, h.TakenOver = p.restarted.dir, p.restarted.last.ID, p.restarted.n, p.restarted.takenOver
		}
		if all.Traits(p.source.Framework).Graph && !needed[m.ID] && !(p.base.HistoryBehavior.RecordsLeaves && isLeaf(c.deployed, m.ID)) {
			// Only its record is left, which belongs to no runner.
			h.Runner = ""
			if app, _, ofApp := strings.Cut(m.ID, "."); ofApp && !h.Directory && !installed[app] {
				h.App = app
			}
		}
		c.history = append(c.history, h)
	}
}

// isLeaf reports whether no migration follows one.
func isLeaf(deployed []*adapter.Migration, id string) bool {
	return !slices.ContainsFunc(deployed, func(m *adapter.Migration) bool { return slices.Contains(m.After, id) })
}

// lastKeptIndex returns the index of the last migration with a version that the head has too, or whose version is before a baseline migration of
// the head; -1 for none.
func lastKeptIndex(deployed []*adapter.Migration, set *adapter.Set, head map[string]bool) int {
	baseline := ""
	for _, m := range set.Migrations {
		if m.Baseline {
			baseline = m.Version
		}
	}
	for i, m := range slices.Backward(deployed) {
		if !m.Repeatable && (head[m.ID] || baseline != "" && adapter.CompareNatural(m.Version, baseline) < 0) {
			return i
		}
	}
	return -1
}

// findNewDependencies lists the new migrations that must precede one that has run: by their run_before, or by a dependency
// that was edited in.
func findNewDependencies(set *adapter.Set, base, moved map[string]*adapter.Migration) []history.Change {
	fresh, head := map[string]*adapter.Migration{}, set.Migrations
	for _, m := range head {
		if base[m.ID] == nil && moved[m.ID] == nil && len(m.Replaces) == 0 {
			fresh[m.ID] = m
		}
	}
	var out []history.Change
	for _, m := range head {
		if base[m.ID] == nil {
			continue
		}
		for _, id := range m.After {
			n := fresh[id]
			if n == nil {
				continue
			}
			out = append(out, history.Change{Kind: history.Refused, Migration: n.ID, Path: n.Path, Line: 1, Refusal: &history.Refusal{
				Line: 1, Column: 1,
				Message: m.ID + ", which the base has already, depends on this migration",
				Harm:    fmt.Sprintf(set.HistoryBehavior.Overtaken, m.ID, n.ID),
				Instead: "let it run after " + m.ID + ": without run_before, and without a dependency that was added there",
			}})
			delete(fresh, id)
		}
	}
	return out
}

// isUnchanged reports whether a migration is unchanged. A file that git calls unchanged may have other line ends in the
// working tree (core.autocrlf).
func (c *comparison) isUnchanged(old, m *adapter.Migration) bool {
	if c.touched == nil {
		return old.Hash == m.Hash
	}
	x, touched := c.touched[m.Path]
	switch {
	case old.Hash == m.Hash, !touched && old.Path == m.Path:
		if c.findEditedImport(old, m) == "" {
			return true
		}
		_, isCosmetic := firstDifference(old, m)
		return isCosmetic
	case !touched:
		return false
	}
	return x.Kind == gitrange.Renamed && x.OldPath == old.Path && x.Similarity == 100
}

// findEditedImport returns a file that the program of a migration imports and the release changes; "" for none, and if the program did not
// run at both revisions.
func (c *comparison) findEditedImport(old, m *adapter.Migration) string {
	for _, file := range m.Imports {
		if _, touched := c.touched[file]; touched && len(old.Imports) > 0 {
			return file
		}
	}
	return ""
}

// findNewHistoryProblems returns the problems of the order that the base does not have already. It ignores the same change, and
// two migrations of one version if the base has both, whatever is between them.
func findNewHistoryProblems(p pair, base map[string]*adapter.Migration) []history.Change {
	old, usual := map[string]bool{}, false
	key := func(h history.Change) string { return string(h.Kind) + "\x00" + h.Migration + "\x00" + h.Other }
	if p.base != nil {
		for _, h := range p.base.History {
			old[key(h)] = true
			usual = usual || h.Kind == history.Duplicate
		}
	}
	var out []history.Change
	for _, h := range p.head.History {
		if old[key(h)] || h.Kind == history.Duplicate && base[h.Migration] != nil && base[h.Other] != nil {
			continue
		}
		h.Usual = usual && h.Kind == history.Duplicate
		out = append(out, h)
	}
	return out
}

// pointAtNewMigration changes a problem of two migrations with one version, or of two leaves of an app, so that it names the one
// that the base lacks: this is the one to change.
func pointAtNewMigration(h history.Change, base map[string]*adapter.Migration, head []*adapter.Migration) history.Change {
	if h.Kind != history.Duplicate && h.Kind != history.Conflict || base[h.Migration] == nil || base[h.Other] != nil {
		return h
	}
	for _, m := range head {
		if m.ID == h.Other {
			h.Migration, h.Other, h.Path, h.Line = m.ID, h.Migration, m.Path, 1
			break
		}
	}
	return h
}

func (c *comparison) recordRename(old, m *adapter.Migration, habit string) {
	h := history.Change{Kind: history.RenamedID, Migration: m.ID, Path: m.Path, Other: old.ID, Runner: habit}
	if !c.isUnchanged(old, m) {
		h.Detail = "its content changed too"
	}
	c.history = append(c.history, h)
}

func (c *comparison) recordEdit(old, m *adapter.Migration, habit string) {
	h := history.Change{Kind: history.Edited, Migration: m.ID, Path: m.Path, Other: old.ID, Runner: habit}
	h.Line, h.Cosmetic = firstDifference(old, m)
	if old.Hash == m.Hash {
		h.Detail = c.findEditedImport(old, m) + ", which it imports, was edited, and other statements run"
	} else if h.Cosmetic {
		h.Detail, h.Cosmetic = describeDifference(old, m)
		h.Unlike = h.Detail != cosmetics
	} else if h.Line > 0 {
		h.Detail = fmt.Sprintf("the up migration differs from line %d on", h.Line)
	}
	c.history = append(c.history, h)
}

// firstDifference returns the first line at which the up migrations of two versions differ, and whether the
// difference is only in comments, white space and the case of words.
func firstDifference(old, m *adapter.Migration) (line int, cosmetic bool) {
	a, b := normalizeStatements(old), normalizeStatements(m)
	for i := range b {
		if i >= len(a) || !a[i].hasSameText(&b[i]) {
			return b[i].line, false
		}
	}
	if len(a) != len(b) {
		return max(1, strings.Count(m.Source.Text, "\n")), false
	}
	return 1, true
}

// reportOpaque reports what could not be judged outside migrations, and files that the runner ignores, if the release
// adds them.
// If the base is ahead, a list of migrations that both sides changed may lack a file of the base.
func (j *judge) reportOpaque(p pair, changes []gitrange.Change, head adapter.Tree) {
	for _, o := range p.listNewOpaque(changes, head) {
		if o.Migration == "" && o.Path == p.source.Dir {
			o.Failed = o.Failed || isChangedBelow(changes, o.Path) // none of the directory was read
		}
		j.report.Opaque = append(j.report.Opaque, o)
	}
	old := map[string]bool{}
	if p.base != nil {
		for _, x := range p.base.Problems {
			old[x.Path] = true
		}
	}
	var h []history.Change
	for _, x := range p.head.Problems {
		isFromOthers := len(p.ahead) > 0 && !slices.ContainsFunc(changes, func(c gitrange.Change) bool { return c.Path == x.Path })
		if !old[x.Path] && !isFromOthers {
			refusal := x.Refusal
			h = append(h, history.Change{Kind: history.Refused, Path: x.Path, Line: x.Line, Detail: x.Message, Refusal: &refusal})
		}
	}
	j.passHistory(h)
}

// listNewOpaque returns what could not be judged at the head, without files that are the same at the base.
func (p pair) listNewOpaque(changes []gitrange.Change, head adapter.Tree) []onward.Opaque {
	if p.base == nil || len(p.base.Opaque) == 0 || len(p.head.Opaque) == 0 {
		return p.head.Opaque
	}
	inBase := map[onward.Opaque]bool{}
	for _, o := range p.base.Opaque {
		inBase[o] = !o.Failed
	}
	changed := map[string]bool{}
	for _, c := range changes {
		changed[c.Path] = true
	}
	return slices.DeleteFunc(slices.Clone(p.head.Opaque), func(o onward.Opaque) bool {
		return inBase[o] && !changed[o.Path] && adapter.HasFile(head, o.Path)
	})
}
