package sql

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// onward.yaml may describe a team's own program (runner:): which files it runs, in which order, and how it sends them. Nothing is
// detected in such a directory.

// configuredRunner is a team's own program, as onward.yaml describes it.
type configuredRunner struct {
	*config.Runner
	// parts are the markers of the up and the down migration; nil if files have none.
	parts *marks
	// off matches the marker of a file that runs without a transaction; nil for none.
	off *lazyregexp.Regexp
	// markers are the texts that a marker's line begins with.
	markers []string
}

func newConfiguredRunner(r *config.Runner) *configuredRunner {
	c := &configuredRunner{Runner: r}
	match := func(marker string) *lazyregexp.Regexp {
		if marker == "" {
			return nil
		}
		c.markers = append(c.markers, marker)
		return lazyregexp.New(`^[ \t]*` + regexp.QuoteMeta(marker) + `(?:\W|$)`)
	}
	c.off = match(r.NoTransactionMarker)
	if r.DownMarker != "" {
		c.parts = &marks{
			up: match(r.UpMarker), down: match(r.DownMarker), mode: cmp.Or(r.Transaction, onward.TransactionNone),
			off: c.off, none: c.markedFileMode(), offFile: true,
		}
	}
	return c
}

// toRunner returns the program as a value like the known tools.
func (c *configuredRunner) toRunner() *runner {
	r := &runner{
		name: c.DisplayName(), assumed: c.Transaction == "", mode: c.Transaction,
		sure: func(string) bool { return true },
		send: c.setSendMode,
	}
	switch {
	case c.NoTransactionMarker != "":
		r.apart = "a file of its own, with this line:\n" + c.NoTransactionMarker
	case c.Transaction == onward.TransactionMessage:
		r.apart = psqlTextApart
	case c.Transaction == onward.TransactionFile:
		r.apart = "a step of the deploy of its own: " + c.DisplayName() + " runs files in a transaction"
	}
	if name, columns := c.HistoryTable(); name != "" {
		r.historyTables = []adapter.HistoryTable{{Table: name, Columns: columns}}
	}
	return r
}

// setSendMode reads the markers of a file.
func (c *configuredRunner) setSendMode(f *file) {
	f.lines = c.findMarkerLines(f.text)
	if c.parts != nil {
		f.regions, _ = c.parts.splitUpAndDown(f.lines, len(f.text))
	}
	if matchesLine(c.off, f.lines) {
		f.mode = c.markedFileMode()
		f.m.Runner.Rerun = true
	}
	f.m.Source.Psql = c.PSQL
	f.whole = !c.PSQL && (f.mode == onward.TransactionFile || f.mode == onward.TransactionMessage)
}

// markedFileMode is how a file with the marker is sent.
func (c *configuredRunner) markedFileMode() onward.Transaction {
	return cmp.Or(c.NoTransactionMode, onward.TransactionMessage)
}

// findMarkerLines returns the lines of a text that begin with a marker.
func (c *configuredRunner) findMarkerLines(text string) []line {
	if len(c.markers) == 0 {
		return nil
	}
	var out []line
	offset := 0
	for l := range strings.Lines(text) {
		trimmed := strings.TrimLeft(l, " \t")
		if slices.ContainsFunc(c.markers, func(m string) bool { return strings.HasPrefix(trimmed, m) }) {
			out = append(out, line{strings.TrimRight(l, "\r\n"), offset})
		}
		offset += len(l)
	}
	return out
}

// loadConfigured reads the migrations of a team's own program.
func loadConfigured(ctx context.Context, t adapter.Tree, s adapter.Source) (*adapter.Set, error) {
	c := newConfiguredRunner(s.Options.Own)
	tool := c.toRunner()
	set := &adapter.Set{Source: s, Together: c.Together}
	names := c.listFiles(t, s.Dir)
	if c.List != "" {
		names = c.sortByList(t, set, names)
	}
	p := &migrationDir{
		tree: adapter.ReplaceTexts(t, c.Replace), Dir: adapter.Dir{Path: s.Dir, Names: names}, ups: names, downs: c.mapDownFiles(t, s.Dir, names),
		marked: func(string) *runner { return tool },
	}
	p.readFiles(names)
	adapter.EachParallel(len(p.files), func(i int) { p.files[i].FillNames() })
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	set.Migrations = make([]*adapter.Migration, len(names))
	adapter.EachParallel(len(names), func(i int) { set.Migrations[i] = c.readMigration(p, tool, i, s) })
	expandPsqlCommands(p, set)
	set.Evidence = adapter.RunnerEvidence{Tool: tool.name, Assumed: tool.assumed && s.Options.Transaction == ""}
	set.Evidence.Transaction = cmp.Or(s.Options.Transaction, c.Transaction, onward.TransactionNone)
	return set, nil
}

// readMigration makes a migration of the i-th file.
func (c *configuredRunner) readMigration(p *migrationDir, tool *runner, i int, s adapter.Source) *adapter.Migration {
	name := p.ups[i]
	version := ""
	if numbers := nameNumbers(name); len(numbers) > 0 {
		version = strings.Join(numbers, ".")
	}
	m := p.files[i].Start(s, strings.TrimSuffix(name, ".sql"), version)
	if down := p.downs[name]; down != "" {
		m.DownPath = p.Join(down)
	}
	switch {
	case m.Failed != "":
	case c.IsProgram(name):
		m.Source.LineComment = "//"
		m.Opaque = append(m.Opaque, onward.Opaque{
			Migration: m.ID, Path: m.Path, Line: 1, Column: 1,
			What: "migration that is a program", Why: "what it does is known only when it runs",
		})
		m.Seal(onward.TransactionNone, s.Options, p.files[i].Text)
	default:
		tool.setParts(p, m, p.files[i], path.Base(name), s.Options)
		if !c.PSQL && c.Transaction != "" {
			m.Problems = append(m.Problems, p.files[i].Refused()...)
		}
	}
	return m
}

// listFiles lists the migrations in their order, relative to the directory.
func (c *configuredRunner) listFiles(t adapter.Tree, dir string) []string {
	var out []string
	for _, name := range adapter.FilesBelow(t, dir) {
		if c.IsUp(name) || c.IsProgram(name) {
			out = append(out, name)
		}
	}
	if c.Order == config.OrderName {
		slices.SortFunc(out, func(a, b string) int {
			return cmp.Or(strings.Compare(path.Base(a), path.Base(b)), strings.Compare(a, b))
		})
	} else {
		sortByNumbers(out)
	}
	return out
}

// sortByNumbers sorts paths by the numbers that their elements begin with, and then by the names of the files.
func sortByNumbers(names []string) {
	numbers := make(map[string][]string, len(names))
	for _, n := range names {
		for _, number := range nameNumbers(n) {
			numbers[n] = append(numbers[n], versionParts(number)...)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(
			slices.CompareFunc(numbers[a], numbers[b], adapter.CompareNatural),
			adapter.CompareNatural(path.Base(a), path.Base(b)), strings.Compare(a, b))
	})
}

// nameNumbers returns the number that each element of a path begins with, of those that begin with one: 3.2 and 1 of
// delta/v3.2/1_x.sql.
func nameNumbers(name string) []string {
	var out []string
	for element := range strings.SplitSeq(name, "/") {
		if len(element) > 1 && element[0]|0x20 == 'v' {
			element = element[1:]
		}
		if n := leadingNumberLength(element); n > 0 {
			out = append(out, element[:n])
		}
	}
	return out
}

// wayEnding matches the end of a name that says which way a file goes.
var wayEnding = lazyregexp.New(`(?i)[_-](?:up|down|undo|rollback|revert)$`)

// mapDownFiles maps migrations to the files that undo them. They have the same name, up to the first dot and without the word for the way,
// in the same directory or else in another one.
func (c *configuredRunner) mapDownFiles(t adapter.Tree, dir string, ups []string) map[string]string {
	out := map[string]string{}
	if len(c.Down) == 0 {
		return out
	}
	stem := func(name string) string {
		base, _, _ := strings.Cut(path.Base(name), ".")
		return wayEnding.ReplaceAllString(base, "")
	}
	downs := map[string]string{}
	for _, name := range adapter.FilesBelow(t, dir) {
		if c.IsDown(name) {
			downs[path.Join(path.Dir(name), stem(name))] = name
			downs["*"+stem(name)] = name
		}
	}
	for _, up := range ups {
		if down := cmp.Or(downs[path.Join(path.Dir(up), stem(up))], downs["*"+stem(up)]); down != "" {
			out[up] = down
		}
	}
	return out
}

// readDownSource returns the SQL that undoes a migration: the text below the marker, or the file that belongs to it.
func (c *configuredRunner) readDownSource(t adapter.Tree, s adapter.Source, m *adapter.Migration) (*script.Source, error) {
	if c.parts != nil {
		if out := c.parts.downSource(m.Source.Text, c.findMarkerLines(m.Source.Text), s.Options); out != nil {
			return out, nil
		}
	}
	return readDownFile(adapter.ReplaceTexts(t, c.Replace), m)
}

// newForm describes how a further migration is written; nil if it cannot be.
func (c *configuredRunner) newForm(set *adapter.Set) *adapter.Form {
	if c.Together {
		return nil
	}
	mode := set.Evidence.Transaction
	f := &adapter.Form{
		Name: c.DisplayName(), Up: ".sql", Transaction: mode, Texts: c.Order == config.OrderName,
		Lone: mode != onward.TransactionFile, Splits: mode == onward.TransactionNone,
	}
	if c.List != "" {
		f.Unwritable = fmt.Sprintf("%s runs only the files that %s names: write the steps of the plan by hand (--format sql prints them)", c.DisplayName(), c.List)
	}
	lines := func(texts ...string) (out string) {
		for _, text := range texts {
			if text != "" {
				out += text + "\n"
			}
		}
		return out
	}
	f.Head = lines(c.UpMarker)
	if c.NoTransactionMarker != "" {
		f.HeadAlone = lines(c.NoTransactionMarker, c.UpMarker)
		f.Lone = false
		f.Splits = c.NoTransactionMode == onward.TransactionNone
	}
	if c.DownMarker != "" {
		f.Foot, f.FootAlone = lines(c.DownMarker), lines(c.DownMarker)
	}
	for _, m := range set.Migrations {
		setSuffixes(f, m)
	}
	return f
}
