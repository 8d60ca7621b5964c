// Package sqlx reads migrations of sqlx (github.com/launchbadge/sqlx).
//
// Verified in the sources of sqlx-core and sqlx-postgres 0.7.4, 0.8.6 and
// 0.9.0 (migrate/source.rs, migrate/migrator.rs, migrate.rs,
// connection/executor.rs), and against sqlx itself where the module
// internal/adapter/realrunners finds its command-line program (0.8.6 so far):
//
//   - A directory is read without its sub-directories. A migration is
//     VERSION_anything.sql, split at the first '_'. VERSION is a 64-bit integer; a .sql
//     file with something else before its first '_' stops the run. Names without '_' are
//     ignored. ".down.sql" is the down migration; ".up.sql" and plain ".sql" are the up
//     migration.
//   - The whole file is one simple-query message. sqlx opens a transaction around it and
//     around the row that records it.
//   - A file whose very first bytes are "-- no-transaction" (from 0.8) is sent without
//     that transaction. It is still one message: several statements in it are one
//     implicit transaction, and CREATE INDEX CONCURRENTLY fails unless it is the only
//     statement.
//   - sqlx records the SHA-384 of the file, including comments and line ends. An applied
//     migration that was edited stops the start of the program (VersionMismatch), and so
//     does a missing one (VersionMissing). From 0.9, ignored-chars in sqlx.toml excludes
//     characters from that sum, and migrations-dir names the directory.
//   - Migrations that are not recorded run, in the order of versions: one that sorts
//     before an applied one runs late.
package sqlx

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/goose"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// Name is the framework's name.
const Name = "sqlx"

// Adapter reads the migrations of sqlx.
var Adapter = reader{adapter.Base{
	Framework: Name, FindSources: findSources, ReadMigrations: readMigrations,
	Finds: "files named VERSION_name.sql in a directory of migrations, beside a Cargo.toml that depends on sqlx, " +
		"or where a build file says sqlx migrate run",
	Properties: adapter.Traits{Tool: tool, HistoryTables: []adapter.HistoryTable{{Table: table, Columns: columns}}},
}}

// reader adds the methods that the base lacks.
type reader struct{ adapter.Base }

// tool is what rules need to know about sqlx.
var tool = history.Tool{
	Name: Name, Apart: "a file of its own, with this as its very first line:\n-- no-transaction", KeepsSession: true, WaitsFor: "pg_advisory_lock",
	RowTable: history.BareRow,
}

// parseName reads a name as sqlx does.
func parseName(name string) (f adapter.NumberedName[int64], ok bool) {
	number, rest, found := strings.Cut(name, "_")
	if !found || !strings.HasSuffix(rest, ".sql") {
		return f, false
	}
	v, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return f, false
	}
	id := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, ".sql"), ".up"), ".down")
	return adapter.NumberedName[int64]{ID: id, Version: v, Down: strings.HasSuffix(rest, ".down.sql")}, true
}

// refuseName returns the problem with a file that sqlx stops at or passes over; nil for none.
func refuseName(_ adapter.Tree, file string) *history.Refusal {
	switch name := path.Base(file); {
	case strings.Contains(name, "_"):
		return &history.Refusal{
			Message: "sqlx cannot read a version from the name " + name,
			Harm:    "it runs nothing while the file is there: \"error parsing migration filename\"",
			Instead: "move the file out of the directory, or name it VERSION_what_it_does.sql",
		}
	case name[0] >= '0' && name[0] <= '9':
		return &history.Refusal{
			Message: "sqlx passes over " + name + ": its name has no '_'",
			Harm:    "the migration never runs, and nothing says so",
			Instead: "name it VERSION_what_it_does.sql",
		}
	}
	return nil
}

// findSources looks for directories of VERSION_name.sql files in a repository with
// a crate that depends on sqlx.
func findSources(t adapter.Tree) []adapter.Source {
	crates := findCrates(t)
	if len(crates) == 0 {
		return findCommandDir(t)
	}
	fileByDir := findNamedDirs(t, crates)
	var out []adapter.Source
	for _, d := range adapter.ListDirs(t, ".sql") {
		ups, reversible := listUpFiles(d)
		if len(ups) == 0 || !reversible && fileByDir[d.Path] == "" && !strings.Contains(strings.ToLower(d.Path), "migrat") {
			continue
		}
		annotated, total := goose.CountAnnotated(t, d, ups)
		if annotated*2 > total {
			continue
		}
		c, inCrate := nearestCrate(crates, d.Path)
		s := adapter.Source{Framework: Name, Dir: d.Path, Score: 2, Foreign: foreignDatabase(t, crates, d.Path, fileByDir[d.Path])}
		s.Why = fmt.Sprintf("%d files named like %s, and %s depends on sqlx", len(ups), ups[0], c.path)
		switch {
		case fileByDir[d.Path] != "":
			s.Score, s.Why = 3, s.Why+", and "+fileByDir[d.Path]+" names the directory"
		case inCrate:
			s.Score = 3
		}
		if annotated > 0 {
			s.Score = 3 // goose claims the directory too: let the tie be reported
		}
		out = append(out, s)
	}
	return out
}

// listUpFiles returns the files of a directory that sqlx would run. reversible is set if some
// have a down migration next to them, by their names.
func listUpFiles(d adapter.Dir) (ups []string, reversible bool) {
	for _, n := range d.Names {
		if f, ok := parseName(n); ok && !f.Down {
			ups = append(ups, n)
			reversible = reversible || strings.HasSuffix(n, ".up.sql")
		}
	}
	return ups, reversible
}

// findCommandDir finds the directory of sqlx's command-line program if no crate depends on
// sqlx: it also migrates for programs in other languages. The directory is the one that
// the command names, else a directory "migrations", relative to an unknown working
// directory: it must be the only one of this name.
func findCommandDir(t adapter.Tree) []adapter.Source {
	if !slices.ContainsFunc(adapter.ListDirs(t, ".sql"), func(d adapter.Dir) bool { ups, _ := listUpFiles(d); return len(ups) > 0 }) {
		return nil
	}
	commandFile := adapter.FindMentioned(t, false, command, "sqlx")
	if commandFile == "" {
		return nil
	}
	fileByDir := findNamedDirs(t, nil)
	var out []adapter.Source
	for _, d := range adapter.ListDirs(t, ".sql") {
		ups, _ := listUpFiles(d)
		if annotated, total := goose.CountAnnotated(t, d, ups); len(ups) == 0 || annotated*2 > total {
			continue
		}
		if len(fileByDir) == 0 && path.Base(d.Path) == "migrations" || fileByDir[d.Path] != "" {
			out = append(out, adapter.Source{
				Framework: Name, Dir: d.Path, Score: 3, Why: fmt.Sprintf("%d files named like %s, and %s runs sqlx", len(ups), ups[0], commandFile),
			})
		}
	}
	if len(fileByDir) == 0 && len(out) > 1 {
		if out[0].Dir != "migrations" {
			return nil
		}
		return out[:1]
	}
	return out
}

const marker = "-- no-transaction"

var misplaced = lazyregexp.New(`(?mi)^[ \t]*--[ \t]*no[-_ ]transaction\b`)

// readMigrations reads the up migrations of a directory in the order of their versions.
func readMigrations(ctx context.Context, t adapter.Tree, s adapter.Source) (*adapter.Set, error) {
	crate, inCrate := nearestCrate(findCrates(t), s.Dir)
	c := readMigrateSettings(t, crate.crateDir())
	evidence := adapter.RunnerEvidence{Transaction: onward.TransactionFile}
	set := &adapter.Set{Count: c.describeTable(), Source: s, Evidence: evidence, HistoryBehavior: adapter.HistoryBehavior{
		Edited: "sqlx compares checksums of whole files: a database that has it refuses to migrate (VersionMismatch), " +
			"and the program that migrates at its start does not start",
		Deleted:    "a database that has it refuses to migrate (VersionMissing) unless ignore_missing is set",
		OutOfOrder: "sqlx runs it after the newer ones: databases differ in the order in which they ran", CountsLineEnds: true,
	}}
	if ignoresMissing(t) {
		set.HistoryBehavior.Deleted = "sqlx is configured to ignore that: databases that ran it keep what it did, and new ones never get it"
	}
	hasOwnMigrate := inCrate && implementsMigrate(t, crate)
	files := adapter.Numbered[int64]{
		Tool: tool, Endings: []string{".sql"}, ParseName: parseName, RefuseName: refuseName,
		Twice: func(version int64) string {
			return fmt.Sprintf("both have version %d, which is the primary key of _sqlx_migrations: the second fails", version)
		},
		Send: func(m *adapter.Migration, f *adapter.File) {
			o := s.Options
			if hasOwnMigrate && o.Transaction == "" && !strings.HasPrefix(f.Text, marker) && aloneText.MatchString(f.Text) {
				o.Transaction = onward.TransactionNone
				m.Runner.Guessed, m.Runner.Otherwise = true, onward.TransactionFile
			}
			loadFile(m, f, crate, c, o)
		},
	}
	return set, files.ReadMigrations(ctx, t, set)
}

func loadFile(m *adapter.Migration, f *adapter.File, c crate, settings settings, o adapter.Options) {
	m.Problems = append(m.Problems, f.Refused()...)
	mode := onward.TransactionFile
	var match []int
	if strings.Contains(f.Text, "ransaction") || strings.Contains(f.Text, "RANSACTION") {
		match = misplaced.FindStringIndex(f.Text) // rarely reached, and the pattern is slow
	}
	switch {
	case strings.HasPrefix(f.Text, marker) && c.isOlderThan(0, 8):
		m.Refuse(0, "sqlx "+c.version+" does not know \"-- no-transaction\"",
			"the file runs in a transaction all the same", "update sqlx to 0.8 or newer")
		setLastSeverity(m, onward.Error)
	case strings.HasPrefix(f.Text, marker):
		mode = onward.TransactionMessage
		m.Runner.Rerun = true
	case match != nil:
		m.Refuse(match[0], "\"-- no-transaction\" counts only as the very first bytes of the file, spelled so",
			"the file runs in a transaction all the same", "make \"-- no-transaction\" the first line")
		setLastSeverity(m, onward.Warning)
	}
	if c.isOlderThan(0, 8) {
		m.Runner.Apart = "a step of the deploy of its own: sqlx " + c.version +
			" runs each file in a transaction; from 0.8 on, one may have this as its very first line:\n-- no-transaction"
	}
	if p := adapter.TrimmedPart(f.Text, 0, len(f.Text)); p.SQL != "" {
		p.Message = o.Transaction == ""
		m.Source.Parts = append(m.Source.Parts, p)
	}
	m.Seal(mode, o, settings.ignored.Replace(f.Text))
}

// setLastSeverity sets the severity of a migration's last problem. If the transaction makes a
// statement fail, the statement has a finding of its own, and the problem that explains
// it is only information.
func setLastSeverity(m *adapter.Migration, severity onward.Severity) {
	if strings.Contains(strings.ToUpper(m.Source.Text), "CONCURRENTLY") {
		severity = onward.Info
	}
	m.Problems[len(m.Problems)-1].Severity = severity
}
