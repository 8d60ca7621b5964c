// Package golangmigrate reads migrations of golang-migrate
// (github.com/golang-migrate/migrate).
//
// Verified in the source of v4.20.1 (source/parse.go, source/iofs, migrate.go,
// database/postgres, database/pgx, database/pgx/v5, database/multistmt) and
// against the running library, which the module internal/adapter/realrunners
// does:
//
//   - A directory is read without its sub-directories. A migration is a file that matches
//     ^([0-9]+)_(.*)\.(down|up)\.(.*)$; everything else is silently ignored. Two files of
//     one version and direction stop the run.
//   - The drivers postgres (lib/pq) and pgx hand the whole file to Exec without
//     arguments: one simple-query message. It is one implicit transaction if it holds
//     several statements and no BEGIN of its own.
//   - With x-multi-statement=true in the connection's URL, the file is cut at every ';'
//     byte, even inside a string or a body, and each piece is sent by itself.
//   - The database holds one number, the last version, and a flag "dirty". A migration
//     that sorts before that number never runs, without any message. A failed one leaves
//     the flag: nothing runs until a person forces it.
package golangmigrate

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
	"github.com/onward-sql/onward/onward"
)

// Name is the framework's name.
const Name = "golang-migrate"

// Adapter reads the migrations of golang-migrate.
var Adapter = reader{adapter.Base{
	Framework: Name, FindSources: findSources, ReadMigrations: readMigrations, Finds: "files named NUMBER_name.up.sql",
	Properties: adapter.Traits{Tool: tool, HistoryTables: []adapter.HistoryTable{{Table: table, Columns: columns}}},
}}

// reader adds the methods that the base lacks.
type reader struct{ adapter.Base }

// tool is what rules need to know about golang-migrate.
var tool = history.Tool{
	Name: Name, Apart: "a file of its own: a file of one statement is sent without a transaction", KeepsSession: true, WaitsFor: "pg_advisory_lock",
}

// parseName reads a name as golang-migrate's own pattern does:
// ^([0-9]+)_(.*)\.(down|up)\.(.*)$
func parseName(s string) (f adapter.NumberedName[uint64], ok bool) {
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	if digits == 0 || !strings.HasPrefix(s[digits:], "_") || strings.Contains(s, "\n") {
		return f, false
	}
	const up, down = ".up.", ".down."
	title := s[digits+1:]
	isUp, isDown := strings.LastIndex(title, up), strings.LastIndex(title, down)
	end := max(isUp, isDown)
	v, err := strconv.ParseUint(s[:digits], 10, 64)
	if end < 0 || err != nil {
		return f, false
	}
	return adapter.NumberedName[uint64]{ID: s[:digits+1+end], Version: v, Down: isDown > isUp}, true
}

// byNames is the score of a directory that only its files' names identify.
const byNames = 2

// findSources looks for directories of NUMBER_name.up.sql files. It is sure if the repository
// uses golang-migrate.
func findSources(t adapter.Tree) []adapter.Source {
	var out []adapter.Source
	for _, d := range adapter.ListDirs(t, ".sql") {
		var ups, otherNames []string
		plain := 0   // NUMBER_name.sql, which golang-migrate ignores
		foreign := 0 // NUMBER.up.sql: the tool of these files has other names
		inTx := 0    // .tx.up.sql: go-pg and bun, which have the other names too
		for _, n := range d.Names {
			if f, ok := parseName(n); ok && !f.Down {
				ups = append(ups, n)
				if strings.HasSuffix(n, ".tx.up.sql") {
					inTx++
				}
			} else if !ok {
				otherNames = append(otherNames, n)
				if n[0] >= '0' && n[0] <= '9' {
					plain++
					if strings.HasSuffix(n, ".up.sql") {
						foreign++
					}
				}
			}
		}
		if len(ups) == 0 || inTx > 0 || slices.ContainsFunc(ups, adapter.ForPostgres) || adapter.UsesPop(t, d.Path) ||
			adapter.UsesMaragu(t, d.Path) != "" || adapter.UsesBun(t, d.Path) != "" {
			continue
		}
		annotated, total := goose.CountAnnotated(t, d, ups)
		if annotated*2 > total {
			continue
		}
		s := adapter.Source{
			Framework: Name, Dir: d.Path, Score: byNames, IsGo: true,
			Why: fmt.Sprintf("%d files named like %s", len(ups), ups[0]),
		}
		if user := findUsage(t); user != "-" {
			s.Score, s.Why = 3, s.Why+", and "+user+" uses golang-migrate"
		}
		if mixed, _ := goose.CountAnnotated(t, d, otherNames); annotated+mixed > 0 {
			s.Score = 3 // goose claims the directory too: let the tie be reported
		}
		if s.Score == byNames && plain > 1 || foreign > 1 {
			continue // one is a slip; several mean that another tool reads them
		}
		out = append(out, s)
	}
	return out
}

// readMigrations reads the up migrations of a directory in the order of their numbers.
func readMigrations(ctx context.Context, t adapter.Tree, s adapter.Source) (*adapter.Set, error) {
	runner := "golang-migrate"
	if s.Score == byNames {
		runner += ", if it runs these files,"
	}
	set := &adapter.Set{Source: s, Count: count, HistoryBehavior: adapter.HistoryBehavior{
		Edited:     runner + " records versions, not contents: databases that have it keep what the old text did",
		Deleted:    runner + " stops with \"no migration found\" on a database whose last version it is",
		LastOnly:   true,
		OutOfOrder: runner + " remembers the last version only: a database that is past it skips this one for good, without a word",
	}}
	mode, assumed := onward.TransactionMessage, s.Score == byNames
	if s.Options.Transaction != "" {
		mode, assumed = s.Options.Transaction, false
	} else if file := findMultiStatement(t); file != "" {
		mode, assumed = onward.TransactionNone, false
		set.Source.Why += "; x-multi-statement is on in " + file
	}
	set.Evidence = adapter.RunnerEvidence{Transaction: mode, Assumed: assumed}
	files := adapter.Numbered[uint64]{
		Tool: tool, Guessed: assumed, Endings: []string{""}, ParseName: parseName, RefuseName: refuseName,
		Twice: func(version uint64) string {
			detail := fmt.Sprintf("golang-migrate runs nothing while two files have version %d", version)
			if s.Score == byNames {
				detail += "; nothing here says that it is what runs them"
			}
			return detail
		},
		Send: func(m *adapter.Migration, f *adapter.File) { loadFile(m, f, mode, s.Options) },
	}
	err := files.ReadMigrations(ctx, t, set)
	for i := range set.History {
		set.History[i].Guessed = s.Score == byNames
	}
	return set, err
}

// refuseName returns the problem with a file that golang-migrate ignores; nil for none.
func refuseName(_ adapter.Tree, file string) *history.Refusal {
	name := path.Base(file)
	if !strings.HasSuffix(name, ".sql") || name[0] < '0' || name[0] > '9' {
		return nil
	}
	return &history.Refusal{
		Message: "golang-migrate passes over " + name,
		Harm:    "the migration never runs, and nothing says so",
		Instead: "name it NUMBER_what_it_does.up.sql",
	}
}

func loadFile(m *adapter.Migration, f *adapter.File, mode onward.Transaction, o adapter.Options) {
	if strings.HasSuffix(f.Path, ".go") {
		m.Source.LineComment = "//"
		m.Opaque = append(m.Opaque, onward.Opaque{
			Migration: m.ID, Path: m.Path, Line: 1, Column: 1, What: "migration written in Go", Why: "what it does is known only when it runs",
		})
		m.Seal(onward.TransactionNone, o, f.Text)
		return
	}
	m.Problems = append(m.Problems, f.Refused()...)
	if mode == onward.TransactionNone {
		cutAtSemicolons(m)
	} else if p := adapter.TrimmedPart(f.Text, 0, len(f.Text)); p.SQL != "" {
		m.Source.Parts = append(m.Source.Parts, p)
	}
	m.Seal(mode, o, f.Text)
}

// cutAtSemicolons makes parts as x-multi-statement does: at every semicolon. A semicolon inside a
// body or a string cuts a statement in two; this is reported, and the whole statement is
// judged.
func cutAtSemicolons(m *adapter.Migration) {
	text := m.Source.Text
	var lex adapter.Lexer
	start, from, isReported := 0, 0, false
	for from < len(text) {
		end := len(text)
		if n := strings.IndexByte(text[from:], ';'); n >= 0 {
			end = from + n + 1
		}
		lex.Feed(text[from:end])
		from = end
		if open := lex.Open(); open != "" && end < len(text) {
			if !isReported {
				m.Refuse(nextStatementStart(text, start), fmt.Sprintf("golang-migrate with x-multi-statement cuts the file at the ';' of line %d, inside %s",
					1+strings.Count(text[:end], "\n"), open),
					"it sends half a statement, the server answers with a syntax error, and the database is left dirty",
					"put the statement into a file that is sent without x-multi-statement, or write it without ';' inside")
				isReported = true
			}
			continue
		}
		isReported = false
		if p := adapter.TrimmedPart(text, start, end); p.SQL != "" {
			p.Message = true
			m.Source.Parts = append(m.Source.Parts, p)
		}
		start = end
	}
}

// nextStatementStart returns the start of the next statement at or after an offset, after white space
// and comments of whole lines.
func nextStatementStart(text string, pos int) int {
	for {
		rest := strings.TrimLeft(text[pos:], " \t\r\n\f\v")
		pos = len(text) - len(rest)
		if !strings.HasPrefix(rest, "--") {
			return pos
		}
		line, _, _ := strings.Cut(rest, "\n")
		pos += len(line)
	}
}
