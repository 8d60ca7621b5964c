// Package goose reads migrations of goose (github.com/pressly/goose).
//
// Verified in the source of v3.29.0 (internal/sqlparser, provider_collect.go,
// provider_run.go, migration_sql.go) and against the running library, which
// the module internal/adapter/realrunners does:
//
//   - A directory is read without its sub-directories. A migration is a file
//     NUMBER_anything.sql or .go (not _test.go) whose number is at least 1; everything
//     else is ignored. Two files with one number stop the run.
//   - A file with SQL runs in one transaction, together with the row that records it, and
//     its statements are sent one by one. With "-- +goose NO TRANSACTION" anywhere in the
//     file there is no transaction.
//   - The text between StatementBegin and StatementEnd, or up to a line whose last word
//     ends in ';', is sent as one message: several statements in it are an implicit
//     transaction if there is no other.
//   - A migration is recorded by its number, not by its content. One that sorts before an
//     applied one stops the run, unless -allow-missing is set.
//   - Without a transaction, a file that failed halfway runs again as a whole.
package goose

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// Name is the framework's name.
const Name = "goose"

// Adapter reads the migrations of goose.
var Adapter = reader{adapter.Base{
	Framework: Name, FindSources: findSources, ReadMigrations: readMigrations, Finds: "files named NUMBER_name.sql with the annotation \"-- +goose Up\"",
	Properties: adapter.Traits{Annotated: true, Tool: tool, HistoryTables: []adapter.HistoryTable{{Table: table, Columns: columns}}},
}}

// reader adds the methods that the base lacks.
type reader struct{ adapter.Base }

// tool is what rules need to know about goose.
var tool = history.Tool{
	Name:         Name,
	Apart:        "a file of its own that begins with\n-- +goose NO TRANSACTION\n-- +goose Up",
	Begin:        "-- +goose StatementBegin",
	End:          "-- +goose StatementEnd",
	KeepsSession: true,
	RowTable:     history.BareRow,
}

var (
	annotated  = lazyregexp.New(`(?m)^--.*\+goose[ \t]`)
	registered = lazyregexp.New(`\bgoose\.(AddMigration\w*|AddNamedMigration\w*|NewGoMigration)\(`)
)

// CountAnnotated returns how many of a sample of a directory's files have goose's annotations,
// and the sample's size.
func CountAnnotated(t adapter.Tree, d adapter.Dir, names []string) (annotatedCount, total int) {
	sample := adapter.SampleNames(names, 8)
	for _, f := range adapter.ReadFiles(t, d, sample) {
		if strings.Contains(f.Text, "+goose") && annotated.MatchString(f.Text) {
			annotatedCount++
		}
	}
	return annotatedCount, len(sample)
}

// findSources looks for directories of numbered files with goose's annotations, or
// with Go files that register themselves with goose.
func findSources(t adapter.Tree) []adapter.Source {
	var out []adapter.Source
	for _, d := range adapter.ListDirs(t, ".sql", ".go") {
		var sqls, gos []string
		for _, name := range d.Names {
			if _, ok := parseName(name); !ok {
				continue
			}
			if strings.HasSuffix(name, ".go") {
				gos = append(gos, name)
			} else {
				sqls = append(sqls, name)
			}
		}
		reason := ""
		if annotated, total := CountAnnotated(t, d, sqls); annotated > 0 {
			reason = fmt.Sprintf("-- +goose annotations in %d of %d files", annotated, total)
			if total < len(sqls) {
				reason += fmt.Sprintf(" read, %d in all", len(sqls))
			}
		}
		if reason == "" {
			for _, f := range adapter.ReadFiles(t, d, adapter.SampleNames(gos, 4)) {
				if registered.MatchString(f.Text) {
					reason = path.Base(f.Path) + " registers a Go migration with goose"
					break
				}
			}
		}
		if reason != "" {
			out = append(out, adapter.Source{Framework: Name, Dir: d.Path, Score: 3, Why: reason, IsGo: true})
		}
	}
	return out
}

// parseName reads a name as goose does.
func parseName(name string) (f adapter.NumberedName[int64], ok bool) {
	if strings.HasSuffix(name, "_test.go") || !strings.HasSuffix(name, ".sql") && !strings.HasSuffix(name, ".go") {
		return f, false
	}
	number, _, ok := strings.Cut(name, "_")
	if !ok {
		return f, false
	}
	n, err := strconv.ParseInt(number, 10, 64)
	return adapter.NumberedName[int64]{ID: strings.TrimSuffix(name, path.Ext(name)), Version: n}, err == nil && n >= 1
}

// refuseName returns the problem with an annotated file that goose passes over; nil for none.
func refuseName(t adapter.Tree, file string) *history.Refusal {
	if !strings.HasSuffix(file, ".sql") || !annotated.MatchString(adapter.ReadFile(t, file).Text) {
		return nil
	}
	return &history.Refusal{
		Message: "goose passes over " + path.Base(file) + ": its name does not begin with a number from 1 up and '_'",
		Harm:    "the migration never runs, and nothing says so",
		Instead: "name it like its neighbours: 00042_what_it_does.sql",
	}
}

// readMigrations reads the migrations of a directory in the order of their numbers.
func readMigrations(ctx context.Context, t adapter.Tree, s adapter.Source) (*adapter.Set, error) {
	set := &adapter.Set{Source: s, Count: describeHistoryTable(findAllowMissing(t) != ""),
		Evidence: adapter.RunnerEvidence{Transaction: onward.TransactionFile}, HistoryBehavior: adapter.HistoryBehavior{
			Edited:     "goose records versions, not contents: databases that have it keep what the old text did",
			Deleted:    "goose does not notice",
			OutOfOrder: "goose refuses to run (\"found missing migrations\") unless it is called with -allow-missing",
		}}
	if place := findAllowMissing(t); place != "" {
		set.HistoryBehavior.OutOfOrder = "goose allows missing migrations (in " + place + "), and runs it after the newer ones: new databases run it before them"
	}
	files := adapter.Numbered[int64]{
		Tool: tool, Endings: []string{".sql", ".go"}, ParseName: parseName, RefuseName: refuseName,
		Twice: func(version int64) string {
			return fmt.Sprintf("goose runs nothing while two files have version %d", version)
		},
		Send: func(m *adapter.Migration, f *adapter.File) { loadFile(m, f, s) },
	}
	return set, files.ReadMigrations(ctx, t, set)
}

// missing matches settings that make goose run migrations older than the last applied
// one.
var missing = lazyregexp.New(`(?m)^(?:[^#/\n]|/[^/\n])*(?:\bgoose\b.*\s--?allow-missing(?:=true)?(?:[\s"']|$)|\bWithAllow(?:Missing\(\)|OutofOrder\(true\)))`)

// findAllowMissing returns a file of the repository with such a setting; "" for none.
func findAllowMissing(t adapter.Tree) string {
	return adapter.Memoize(t, "goose allows missing", func() string {
		return adapter.FindMentioned(t, true, missing, "-allow-missing", "WithAllow")
	})
}

func loadFile(m *adapter.Migration, f *adapter.File, s adapter.Source) {
	if strings.HasSuffix(f.Path, ".go") {
		loadGoMigration(m, f.Text, s)
		return
	}
	p := parseFile(f.Text)
	m.Problems = append(f.Refused(), p.problems...)
	m.Source.Parts = p.parts
	for _, line := range p.envsub {
		m.Opaque = append(m.Opaque, onward.Opaque{
			Migration: m.ID, Path: f.Path, Line: line, Column: 1,
			What: "environment variables in SQL (-- +goose ENVSUB ON)",
			Why:  "the text is known only when goose fills it in; it was judged unchanged",
		})
	}
	mode := onward.TransactionFile
	if !p.useTx {
		mode = onward.TransactionNone
		m.Runner.Rerun = true
	}
	m.Seal(mode, s.Options, "")
}

// loadGoMigration reads a migration written in Go, as far as its SQL is in literals.
func loadGoMigration(m *adapter.Migration, text string, s adapter.Source) {
	m.Source.LineComment = "//"
	m.Runner.Apart = "a migration of its own that is registered with AddMigrationNoTxContext:"
	o := onward.Opaque{
		Migration: m.ID, Path: m.Path, Line: 1, Column: 1,
		What: "migration written in Go", Why: "what it does is known only when it runs",
	}
	mode := onward.TransactionFile
	if match := registered.FindStringSubmatchIndex(text); match != nil {
		o.Line = strings.Count(text[:match[0]], "\n") + 1
		if strings.Contains(text[match[2]:match[3]], "NoTx") {
			mode = onward.TransactionNone
			m.Runner.Rerun = true
		}
	}
	up := readGoMigration(text)
	m.Source.Parts = up.parts
	if !up.whole {
		m.Opaque = append(m.Opaque, o)
	}
	m.Seal(mode, s.Options, text)
}
