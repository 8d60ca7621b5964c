package capture

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

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
	headConverter := &converter{books: b, files: headFiles, source: head.Source, known: indexByPath(head.Read), left: maxSearched}
	if base != nil {
		baseSet = c.newSet(*base, foundInCapture)
		baseConverter := &converter{books: b, files: listMigrationFiles(base.Tree, base.Source.Dir), source: base.Source, known: indexByPath(base.Read),
			left: maxSearched}
		if c.BaseCommand == "" {
			baseSet.Migrations = baseConverter.convertSegments(before, 0)
			headSet.Migrations = keepPresent(head.Tree, baseSet.Migrations, headConverter.convertSegments(before, 0))
		} else {
			baseSet.Snapshot = c.makeSnapshot(r, baseConverter)
			headSet.Snapshot = baseSet.Snapshot
		}
	}
	headConverter.filled = r.Filled
	segments := dropRoutineStatements(b.cutSegments(r.Head.Statements), before)
	headSet.Gaps = r.Head.Gaps
	addHeadMigrations(headSet, headConverter.convertSegments(segments, len(headSet.Migrations)))
	headSet.Together = b.ranInOneTransaction(segments)
	for _, note := range slices.Concat(r.Head.Notes, optionalList(r.Empty), describeRefusedDefinitions(r.Refused)) {
		headSet.Opaque = append(headSet.Opaque, onward.Opaque{Path: path.Join(".", head.Source.Dir), What: "the run of `" + c.Command + "`", Why: note})
	}
	return baseSet, headSet
}

// addHeadMigrations adds the migrations that the head's run sent. One of the base that it sent again is repeatable.
func addHeadMigrations(set *adapter.Set, list []*adapter.Migration) {
	index := map[string]int{}
	for i, m := range set.Migrations {
		index[m.ID] = i
	}
	for _, m := range list {
		i, exists := index[m.ID]
		if exists {
			m.Repeatable = true
			set.Migrations[i] = m
			continue
		}
		set.Migrations = append(set.Migrations, m)
	}
}

// describeRefusedDefinitions returns a sentence about definitions of the deployed database.
func describeRefusedDefinitions(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d definitions of the deployed database cannot be made on this machine's server, such as: %s",
		len(list), shortenStatement(list[0]))}
}

func optionalList(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

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
		set.Evidence.Tool = findProgramName(c.Command)
	}
	return set
}

func indexByPath(set *adapter.Set) map[string]*adapter.Migration {
	out := map[string]*adapter.Migration{}
	if set != nil {
		for _, m := range set.Migrations {
			out[m.Path] = m
		}
	}
	return out
}

// keepPresent returns the migrations of the base as the head has them, without those whose file is gone.
func keepPresent(head adapter.Tree, base, baseInHead []*adapter.Migration) []*adapter.Migration {
	if len(base) != len(baseInHead) {
		return base // without names, statements are cut in another way if files differ
	}
	var out []*adapter.Migration
	for i, m := range baseInHead {
		if baseMigration := base[i]; baseMigration.Source.Text != "" && m.Source.Text == "" {
			if !adapter.HasFile(head, baseMigration.Path) {
				continue
			}
			m = baseMigration
		}
		out = append(out, m)
	}
	return out
}

// ranInOneTransaction reports whether several migrations ran in one transaction.
func (b *books) ranInOneTransaction(segments []*Segment) bool {
	var all []*ordered.Statement
	n := 0
	for _, s := range segments {
		if list := b.withoutSessionSettings(s.Statements); len(list) > 0 {
			all, n = append(all, list...), n+1
		}
	}
	return n > 1 && commonTransaction(all) != 0
}

// makeSnapshot returns the base's schema as one migration: the dump, or what the base's own command sent.
func (c *Config) makeSnapshot(r *Run, conv *converter) *adapter.Snapshot {
	out := &adapter.Snapshot{Includes: func(*adapter.Migration) bool { return true }}
	if r.Snapshot == "" {
		var all []*ordered.Statement
		for _, s := range conv.books.cutSegments(r.Base.Statements) {
			all = append(all, s.Statements...)
		}
		out.Migration = conv.convertSegment(&Segment{ID: c.BaseCommand, Statements: all}, "", 0)
		out.Migration.Opaque = nil
		return out
	}
	f := adapter.ReadFile(conv.files.tree, r.Snapshot)
	m := f.Start(conv.source, r.Snapshot, "")
	m.Source.Psql, m.Source.Rows = true, true
	m.Source.Parts = []script.Part{adapter.TrimmedPart(f.Text, 0, len(f.Text))}
	m.Seal(onward.TransactionNone, adapter.Options{}, "")
	out.Migration = m
	return out
}

// RenderSets returns the migrations of both revisions as the command prints them. base is nil if the base has no such
// directory.
func (c *Config) RenderSets(ctx context.Context, base *Revision, head Revision) (baseSet, headSet *adapter.Set, err error) {
	var deployed *Rendering
	if base != nil {
		if deployed, err = c.Render(ctx, base.Tree, base.Source); err != nil {
			return nil, nil, fmt.Errorf("at %s: %w", base.Tree.Name(), err)
		}
	}
	printed, err := c.Render(ctx, head.Tree, head.Source)
	if err != nil {
		return nil, nil, fmt.Errorf("at %s: %w", head.Tree.Name(), err)
	}
	all := printed.Statements
	if deployed != nil {
		all = slices.Concat(deployed.Statements, all)
		baseSet = c.newRenderedSet(deployed, *base, all)
	}
	return baseSet, c.newRenderedSet(printed, head, all), nil
}

// newRenderedSet returns the migrations of one rendering. all are the statements of both, which show the history table.
func (c *Config) newRenderedSet(r *Rendering, v Revision, all []*ordered.Statement) *adapter.Set {
	set := c.newSet(v, "render: in onward.yaml")
	set.Gaps = r.Gaps
	files := listMigrationFiles(v.Tree, v.Source.Dir)
	b := newBooks(c.HistoryTables, files.paths, all)
	conv := &converter{books: b, files: files, source: v.Source, known: indexByPath(v.Read), left: maxSearched, printed: true}
	segments := r.cutAtMarks(b)
	set.Migrations = conv.convertSegments(segments, 0)
	set.Together = b.ranInOneTransaction(segments)
	if !slices.ContainsFunc(r.Statements, func(st *ordered.Statement) bool { return st.Control != "" }) && v.Source.Options.Transaction == "" {
		assumeTransactions(set, conv.known)
	}
	return set
}

// assumeTransactions sets how the tool sends migrations whose SQL has no BEGIN: as its own adapter says, else it is a guess.
func assumeTransactions(set *adapter.Set, known map[string]*adapter.Migration) {
	for _, m := range set.Migrations {
		if k := known[m.Path]; k != nil && k.Source.Mode != "" && !k.Runner.Guessed {
			m.Source.Mode, m.Runner.Rerun = k.Source.Mode, k.Runner.Rerun
			continue
		}
		m.Source.Mode, m.Runner.Guessed, m.Runner.Rerun = onward.TransactionFile, true, false
		set.Evidence.Assumed, set.Evidence.Transaction = true, onward.TransactionFile
	}
}

// launchers are programs that start another one, with the words that may follow them: "npx prisma", "npm exec prisma".
var launchers = map[string][]string{
	"npx": nil, "bunx": nil, "pnpx": nil, "npm": {"exec"}, "pnpm": {"exec", "dlx"}, "yarn": {"exec", "dlx", "run"}, "bun": {"x", "run"}, "bundle": {"exec"},
	"poetry": {"run"}, "uv": {"run"}, "pipenv": {"run"}, "rye": {"run"}, "hatch": {"run"}, "python": nil, "python3": nil, "env": nil, "dotenv": nil,
	"node": nil, "exec": nil, "sudo": nil, "time": nil, "uvx": nil, "mise": {"exec"},
}

// findProgramName returns the program that does a command's work: db-migrate for "npx db-migrate up". It is the first word if the launcher runs a
// script of the project ("npm run migrate").
func findProgramName(command string) string {
	words := strings.Fields(command)
	first := ""
	for i := 0; i < len(words); i++ {
		word := strings.Trim(words[i], `'"`)
		name := path.Base(word)
		if first == "" {
			first = name
		}
		switch follow, launcher := launchers[name]; {
		case strings.HasPrefix(word, "-"), strings.Contains(word, "="):
			continue
		case !launcher:
			return name
		case follow != nil && (i+1 >= len(words) || !slices.Contains(follow, words[i+1])):
			return name
		case follow != nil:
			i++
		}
	}
	return first
}
