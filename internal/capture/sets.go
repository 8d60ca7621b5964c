package capture

import (
	"fmt"
	"path"
	"slices"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/internal/wire/ordered"
	"github.com/onward-sql/onward/onward"
)

const foundInCapture = "capture: in onward.yaml"

// Revision is one side of a release.
type Revision struct {
	Tree   adapter.Tree
	Source adapter.Source
	// Read is what the framework's own adapter reads; nil for nothing.
	Read *adapter.Set
}

// Sets returns the migrations of both revisions. base is nil if the base has no such directory.
func (c *Config) Sets(r *Run, base *Revision, head Revision) (baseSet, headSet *adapter.Set) {
	headFiles := listMigrationFiles(head.Tree, head.Source.Dir)
	b := newBooks(c.HistoryTables, headFiles.paths, slices.Concat(r.Base.Statements, r.Head.Statements))
	before := b.cutSegments(r.Base.Statements)
	headSet = c.newSet(head, foundInCapture)
	at := &converter{books: b, files: headFiles, source: head.Source, known: byPath(head.Read), left: maxSearched}
	if base != nil {
		baseSet = c.newSet(*base, foundInCapture)
		then := &converter{books: b, files: listMigrationFiles(base.Tree, base.Source.Dir), source: base.Source, known: byPath(base.Read), left: maxSearched}
		if c.BaseCommand == "" {
			baseSet.Migrations = then.convertSegments(before, 0)
			headSet.Migrations = keepPresent(head.Tree, baseSet.Migrations, at.convertSegments(before, 0))
		} else {
			baseSet.Snapshot = c.snapshot(r, then)
			headSet.Snapshot = baseSet.Snapshot
		}
	}
	at.filled = r.Filled
	segments := dropUsual(b.cutSegments(r.Head.Statements), before)
	headSet.Gaps = r.Head.Gaps
	addHead(headSet, at.convertSegments(segments, len(headSet.Migrations)))
	headSet.Together = b.runTogether(segments)
	for _, note := range slices.Concat(r.Head.Notes, nonEmpty(r.Empty), describeUnmade(r.Refused)) {
		headSet.Opaque = append(headSet.Opaque, onward.Opaque{Path: dirName(head.Source), What: "the run of `" + c.Command + "`", Why: note})
	}
	return baseSet, headSet
}

// addHead adds the migrations that the head's run sent. One of the base that it sent again is repeatable.
func addHead(set *adapter.Set, list []*adapter.Migration) {
	index := map[string]int{}
	for i, m := range set.Migrations {
		index[m.ID] = i
	}
	for _, m := range list {
		i, again := index[m.ID]
		if again {
			m.Repeatable = true
			set.Migrations[i] = m
			continue
		}
		set.Migrations = append(set.Migrations, m)
	}
}

// describeUnmade returns a sentence about definitions of the deployed database.
func describeUnmade(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d definitions of the deployed database cannot be made on this machine's server, such as: %s",
		len(list), shortenStatement(list[0]))}
}

func nonEmpty(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

func dirName(s adapter.Source) string { return path.Join(".", s.Dir) }

// newSet returns a set without migrations, with what the framework's own adapter knows. It has no Count: only the tool itself runs
// its migrations. foundIn says what named the command.
func (c *Config) newSet(r Revision, foundIn string) *adapter.Set {
	set := &adapter.Set{Source: r.Source}
	if r.Read != nil {
		set.HistoryBehavior, set.Evidence, set.Mends = r.Read.HistoryBehavior, r.Read.Evidence, r.Read.Mends
		set.History, set.Problems, set.Models, set.Partial = r.Read.History, r.Read.Problems, r.Read.Models, r.Read.Partial
	}
	set.Evidence.Assumed, set.Evidence.Transaction, set.Evidence.FoundIn = false, "", foundIn
	if set.Evidence.Tool == "" {
		set.Evidence.Tool = nameProgram(c.Command)
	}
	return set
}

func byPath(set *adapter.Set) map[string]*adapter.Migration {
	out := map[string]*adapter.Migration{}
	if set != nil {
		for _, m := range set.Migrations {
			out[m.Path] = m
		}
	}
	return out
}

// keepPresent returns the migrations of the base as the head has them, without those whose file is gone.
func keepPresent(head adapter.Tree, base, same []*adapter.Migration) []*adapter.Migration {
	if len(base) != len(same) {
		return base // without names, statements are cut in another way if files differ
	}
	var out []*adapter.Migration
	for i, m := range same {
		if was := base[i]; was.Source.Text != "" && m.Source.Text == "" {
			if !adapter.HasFile(head, was.Path) {
				continue
			}
			m = was
		}
		out = append(out, m)
	}
	return out
}

// runTogether reports whether several migrations ran in one transaction.
func (b *books) runTogether(segments []*Segment) bool {
	var all []*ordered.Statement
	n := 0
	for _, s := range segments {
		if list := b.withoutSession(s.Statements); len(list) > 0 {
			all, n = append(all, list...), n+1
		}
	}
	return n > 1 && commonTransaction(all) != 0
}

// snapshot returns the base's schema as one migration: the dump, or what the base's own command sent.
func (c *Config) snapshot(r *Run, at *converter) *adapter.Snapshot {
	out := &adapter.Snapshot{Includes: func(*adapter.Migration) bool { return true }}
	if r.Snapshot == "" {
		var all []*ordered.Statement
		for _, s := range at.books.cutSegments(r.Base.Statements) {
			all = append(all, s.Statements...)
		}
		out.Migration = at.convertSegment(&Segment{ID: c.BaseCommand, Statements: all}, "", 0)
		out.Migration.Opaque = nil
		return out
	}
	f := adapter.ReadFile(at.files.tree, r.Snapshot)
	m := f.Start(at.source, r.Snapshot, "")
	m.Source.Psql, m.Source.Rows = true, true
	m.Source.Parts = []script.Part{adapter.TrimmedPart(f.Text, 0, len(f.Text))}
	m.Seal(onward.TransactionNone, adapter.Options{}, "")
	out.Migration = m
	return out
}
