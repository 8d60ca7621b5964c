package sql

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// runner is the tool that runs a directory, as far as something in it or beside
// it tells: "" when nothing does. The markers of single files (markers.go) tell
// more of them.
//
// Supabase's CLI was read in its source (2.99: pkg/migration, pkg/parser):
// statements are sent in one pipeline with the row that records them, behind
// RESET ALL; versions are records of their own, in order.
// Drizzle too (0.45, and 1.0 with a directory for each migration: PgDialect.migrate):
// all that is pending runs in one transaction, and an entry of the journal is
// pending when it is younger than the youngest that was applied.
// pop (6.1: Migrator.Exec, and ory's popx) sends a file in one call, in a
// transaction unless its name has "autocommit"; a version has a file for each
// database, or one for all.
// tern too (2.4.2: migrate): the numbers are 1, 2, 3 … without a gap, the one
// that was run last is recorded, and a file is one message in a transaction.
// Atlas was read in its source (atlas.go), and so were refinery (0.8: Runner,
// verify_migrations: a migration is one message in a transaction, always) and
// node-pg-migrate (8.0: runner, Migration: all that is pending runs in one
// transaction unless it is told otherwise). Prisma and Diesel follow their manuals.
// dbmate, node-pg-migrate, Drizzle, Flyway and Liquibase are run by the tests of
// internal/adapter/realrunners.
type runner string

const (
	supabase runner = "supabase"
	drizzle  runner = "drizzle"
	byFlyway runner = "flyway"
	tern     runner = "tern"
	pop      runner = "pop"
	dbmate   runner = "dbmate"
	// The markers of sql-migrate are other tools' too, which cut otherwise.
	bySQLMigrate runner = "sql-migrate"
	atlas        runner = "atlas"
	refinery     runner = "refinery"
	nodePg       runner = "node-pg-migrate"
	prisma       runner = "prisma"
	diesel       runner = "diesel"
	byLiquibase  runner = "liquibase"
	psqlOnce     runner = "psql -1"
	psqlText     runner = "psql -c"
	byProgram    runner = "a program of the project"
)

var (
	underscored = regexp.MustCompile(`^(\d+)_.+\.sql$`) // what tern takes; Supabase's CLI does without a name, too
	popName     = regexp.MustCompile(`^\d+_[^.]+\.(?:\w+\.)*up\.sql$`)
	ternMarker  = "---- create above / drop below ----"
	// dbmate's is in every file that it takes.
	dbmateMarker = "-- migrate:up"
	nodePgMarker = regexp.MustCompile(`(?im)^\s*--[\s-]*(?:up|down)\s+migration\b`)
)

// runnerOf tells a directory's runner by what stands beside its files.
func runnerOf(t adapter.Tree, d adapter.Dir, ups []string) runner {
	beside := path.Dir(d.Path)
	switch {
	case path.Base(d.Path) == "migrations" && path.Base(beside) == "supabase" && adapter.Has(t, beside+"/config.toml"):
		return supabase
	case journalOf(t, d.Path).leads(ups), slices.ContainsFunc(ups, func(n string) bool { return drizzleDir(t, d, n) }):
		return drizzle
	case slices.ContainsFunc(ups, func(n string) bool { return flyway(d.Join(n), path.Base(n)) }):
		if mentions(t, d.Path, "Cargo.toml", "refinery") {
			return refinery
		}
		return byFlyway
	case adapter.Has(t, d.Join("tern.conf")):
		return tern
	case slices.ContainsFunc(ups, func(n string) bool { return popName.MatchString(n) && adapter.UsesPop(t, d.Path) }):
		return pop
	case usesSQLMigrate(t, d.Path):
		return bySQLMigrate
	case adapter.Has(t, d.Join("migration_lock.toml")):
		return prisma
	case slices.ContainsFunc(ups, func(n string) bool { return strings.HasSuffix(n, "/up.sql") }) && usesDiesel(t, d):
		return diesel
	}
	if _, above := adapter.Nearest(t, d.Path, "tern.conf"); above && contiguous(ups) {
		return tern
	}
	return ""
}

// Own reports whether a directory has a tool of its own, by what stands beside its
// files and by the markers of a few of them. Atlas is none: it writes the files of
// other tools, from a directory of its own.
func Own(t adapter.Tree, s adapter.Source) bool {
	d := adapter.ListDir(t, s.Dir, ".sql")
	ups, _, _ := members(t, s, d)
	by := runnerOf(t, d, ups)
	if by == "" {
		some := adapter.Sample(ups, 4)
		by = byMarkers(t, d, adapter.ReadFiles(t, d, some), some)
	}
	return by != "" && by != atlas
}

// mentions reports whether the closest file of a name, in a directory or above
// it, has a word in it.
func mentions(t adapter.Tree, dir, name, word string) bool {
	p, ok := adapter.Nearest(t, dir, name)
	return ok && strings.Contains(adapter.ReadFile(t, p).Text, word)
}

// usesDiesel reports whether Diesel's configuration or its first migration is
// there, or a crate that needs it.
func usesDiesel(t adapter.Tree, d adapter.Dir) bool {
	_, configured := adapter.Nearest(t, d.Path, "diesel.toml")
	return configured || adapter.Has(t, d.Join("00000000000000_diesel_initial_setup/up.sql")) || mentions(t, d.Path, "Cargo.toml", "diesel")
}

// usesSQLMigrate reports whether sql-migrate's configuration, or a Go module that
// needs it, is in a directory or above it.
func usesSQLMigrate(t adapter.Tree, dir string) bool {
	if _, ok := adapter.Nearest(t, dir, "dbconfig.yml"); ok {
		return true
	}
	mod, ok := adapter.Nearest(t, dir, "go.mod")
	return ok && strings.Contains(adapter.ReadFile(t, mod).Text, "github.com/rubenv/sql-migrate ")
}

// byMarkers tells the runner by the marker in half of the files or more; Atlas,
// whose sums may stand beside the files of others, where there is none.
func byMarkers(t adapter.Tree, d adapter.Dir, files []*adapter.File, names []string) runner {
	half := func(marked func(text string) bool) bool {
		n := 0
		for _, f := range files {
			if marked(f.Text) {
				n++
			}
		}
		return n > 0 && 2*n >= len(files)
	}
	has := func(marker string) func(string) bool {
		return func(text string) bool { return strings.Contains(text, marker) }
	}
	switch {
	case half(has(dbmateMarker)):
		return dbmate
	case contiguous(names) && half(has(ternMarker)):
		return tern
	case half(func(text string) bool { return begins(text, "--") && liquibaseHead.MatchString(text) }):
		return byLiquibase
	case half(func(text string) bool { return mayMark(text) && nodePgMarker.MatchString(text) }), slices.ContainsFunc(names, inMilliseconds) && mentions(t, d.Path, "package.json", `"node-pg-migrate"`):
		return nodePg
	case adapter.Has(t, d.Join("atlas.sum")) && !half(func(text string) bool { tool, _ := toolOf(text); return tool != nil }):
		return atlas
	}
	return ""
}

// begins reports whether a text begins with a word, behind white space.
func begins(text, word string) bool {
	return strings.HasPrefix(strings.TrimLeft(text, " \t\r\n\f\v"), word)
}

// mayMark spares most texts the expression that finds node-pg-migrate's markers:
// they have "up migration" or "down migration".
func mayMark(text string) bool {
	for {
		n := strings.Index(text, "igration")
		if n < 0 {
			return strings.Contains(text, "IGRATION")
		}
		if n > 2 && (text[n-2] == ' ' || text[n-2] == '\t') && strings.IndexByte("pPnN \t", text[n-3]) >= 0 {
			return true
		}
		text = text[n+1:]
	}
}

// contiguous reports whether the names have the numbers 1, 2, 3 ….
func contiguous(names []string) bool {
	for i, n := range names {
		if m := underscored.FindStringSubmatch(n); m == nil || number(m[1]) != i+1 {
			return false
		}
	}
	return len(names) > 1
}

// inMilliseconds reports whether a name begins with the time as node-pg-migrate
// writes it.
func inMilliseconds(name string) bool {
	n := leadingDigits(name)
	return n == len("1700000000000") || n == len("20240131120000000")
}

func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return -1
	}
	return n
}

// passedOver takes out the files that Supabase's CLI does not run.
func (r runner) passedOver(set *adapter.Set, d adapter.Dir, ups []string) []string {
	if r != supabase {
		return ups
	}
	return slices.DeleteFunc(ups, func(n string) bool {
		if i := leadingDigits(n); i > 0 && n[i] == '_' {
			return false
		}
		set.Problems = append(set.Problems, adapter.Problem{Path: d.Join(n), Refusal: refusal(
			"Supabase's CLI passes over "+path.Base(n)+": its name is not NUMBER_name.sql",
			"the migration never runs", "name it like its neighbours: 20240131120000_what_it_does.sql")})
		return true
	})
}

func leadingDigits(name string) int {
	return strings.IndexFunc(name, func(r rune) bool { return r < '0' || r > '9' })
}

// numbered notes what is wrong with the numbers of a directory: two migrations
// of one, whose order is an accident, and what tern makes of a gap.
func (r runner) numbered(set *adapter.Set) {
	expected := 1
	for i, b := range set.Migrations {
		if i > 0 && b.Version != "" {
			r.duplicate(set, set.Migrations[i-1], b)
		}
		if r != tern || b.Version == "" {
			continue
		}
		n := number(b.Version)
		if n > expected {
			set.Problems = append(set.Problems, adapter.Problem{Path: b.Path, Refusal: refusal(
				fmt.Sprintf("number %d is missing in front of %s", expected, path.Base(b.Path)),
				fmt.Sprintf("tern refuses to run: \"Missing migration %d\"", expected),
				fmt.Sprintf("number them without a gap: this one is %0*d", len(b.Version), expected))})
		}
		expected = n + 1
	}
}

// duplicate notes two migrations of one number. A long number is a time, which
// several may share where the runner does not keep it for a key.
func (r runner) duplicate(set *adapter.Set, a, b *adapter.Migration) {
	if !slices.Equal(numbers(a.Version), numbers(b.Version)) || len(b.Version) > 6 && r != supabase && r != dbmate || r == drizzle || r == byLiquibase {
		return // Drizzle's journal has names and times; Liquibase records changesets
	}
	detail := "both have number " + b.Version + ": their order is that of the rest of their names"
	switch r {
	case tern:
		detail = "tern refuses to run: \"Duplicate migration " + strings.TrimLeft(b.Version, "0") + "\""
	case supabase:
		detail = "the second fails: Supabase's CLI records versions, and none twice"
	case dbmate:
		detail = "dbmate records versions: a database that has the first never runs the second, and a new one fails on it: duplicate key value violates unique constraint \"schema_migrations_pkey\""
	case byFlyway:
		detail = "Flyway refuses to run: \"Found more than one migration with version " + b.Version + "\""
	case refinery:
		detail = "refinery records versions, and takes one for the other: it refuses to run, as the one that was applied has another name or text"
	}
	set.History = append(set.History, rule.HistoryChange{
		Kind: rule.Duplicate, Migration: b.ID, Path: b.Path, Other: a.ID, Line: 1, Detail: detail,
	})
}

// asTexts reports whether names count as texts, 10 before 2.
func (r runner) asTexts() bool { return r == dbmate || r == atlas || r == prisma }

// mode is how the runner sends a file that has no marker of a tool's.
func (r runner) mode() onward.Transaction {
	switch r {
	case supabase:
		return onward.TransactionPipeline
	case drizzle, tern, pop, atlas, refinery, nodePg, psqlOnce:
		return onward.TransactionFile
	case psqlText:
		return onward.TransactionMessage
	}
	return onward.TransactionNone
}
