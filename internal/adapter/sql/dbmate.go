package sql

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// dbmate is described from running it (2.36, TestDbmateOnServer of
// internal/adapter/realrunners):
//
//   - Files run in the order of their names as texts: 10_b.sql before 2_a.sql. Each up
//     migration is one message, in a transaction of its own unless its marker has the
//     word "transaction:false", in exactly this spelling.
//   - A file needs both markers, in lower case at the beginnings of lines. Only
//     single-line comments may precede the first.
//   - Its driver, lib/pq, checks that the transaction is still open before it commits: if
//     the file ended it, dbmate fails.
//   - It records the number at the beginning of the name. So it does not notice a changed
//     text, a changed name, or a deleted file.
var (
	dbmateUp    = lazyregexp.New(`(?m)^--\s*migrate:up(?:\s|$)`)
	dbmateDown  = lazyregexp.New(`(?m)^--\s*migrate:down(?:\s|$)`)
	dbmateAlone = lazyregexp.New(`^--\s*migrate:up\s(?:.*\s)?transaction:false(?:\s|$)`)
	dbmateBack  = lazyregexp.New(`^--\s*migrate:down\s(?:.*\s)?transaction:false(?:\s|$)`)
)

var dbmate = runner{
	name: "dbmate", apart: "a file of its own that begins with\n-- migrate:up transaction:false",
	historyBehavior: adapter.HistoryBehavior{
		Edited:     "dbmate records versions, not contents: databases that have it keep what the old text did",
		OutOfOrder: "dbmate " + runsAfter,
	},
	historyTables: []adapter.HistoryTable{{Table: "schema_migrations"}},
	count: &adapter.Count{
		Table: "schema_migrations",
		Make:  func(table string) string { return "CREATE TABLE " + table + " (version varchar(128) PRIMARY KEY)" },
		Read:  adapter.KeyOnly("version"),
		Key:   (*adapter.Migration).Digits,
		Write: func(table string, m *adapter.Migration, _ []byte) string {
			return "INSERT INTO " + table + " (version) VALUES ('" + m.Digits() + "')"
		},
		Row:   func(m *adapter.Migration) string { return "version = '" + m.Digits() + "'" },
		Order: "version",
		// With --migration-lock, from 2.37 on.
		Locks: func(string, string, string) []int64 { return []int64{48372615} },
	},
	detectInside: func(p *migrationDir) bool {
		return p.isHalfOfKind(func(text string) bool { return strings.Contains(text, "-- migrate:up") }) // all its files have this
	},
	list: sortAsText,
	marks: &marks{
		up: compilePattern(`^--\s*migrate:up\b.*$`), down: compilePattern(`^--\s*migrate:down\b.*$`), words: []string{"igrate:", "IGRATE:"},
		mode: onward.TransactionFile, none: onward.TransactionMessage, off: dbmateAlone, offDown: dbmateBack,
	},
	loose: true,

	keepsSession: true,
	rowTable:     history.FirstSchemaRow,
	ended:        "pq: unexpected transaction status idle",
	unique:       true,
	twice: func(string) string {
		return "dbmate records versions: a database that has the first never runs the second, and a new one fails on it: " +
			"duplicate key value violates unique constraint \"schema_migrations_pkey\""
	},
	form: &adapter.Form{
		Up: ".sql", Transaction: onward.TransactionMessage, Texts: true,
		Head: "-- migrate:up\n", HeadAlone: "-- migrate:up transaction:false\n",
		Foot: "-- migrate:down\n", FootAlone: "-- migrate:down transaction:false\n",
	},
	finish: reportDbmateRefusals,
}

// reportDbmateRefusals records the files at which dbmate stops. Its old releases do not require
// a down migration, so a directory whose files never have one is not reported.
func reportDbmateRefusals(_ adapter.Tree, set *adapter.Set) {
	downs := func(m *adapter.Migration) bool { return dbmateDown.MatchString(m.Source.Text) }
	annotated := 0
	for _, m := range set.Migrations {
		if downs(m) {
			annotated++
		}
	}
	for _, m := range set.Migrations {
		text := m.Source.Text
		up := dbmateUp.FindStringIndex(text)
		switch {
		case m.Failed != "":
		case up == nil:
			m.Refuse(0, "dbmate finds no up migration in the file",
				"dbmate stops: \"dbmate requires each migration to define an up block with '-- migrate:up'\"",
				"begin it with this, in small letters at the beginning of the line:\n-- migrate:up")
		case hasStatements(text[:up[0]]):
			m.Refuse(0, "something comes before dbmate's marker",
				"dbmate stops: \"dbmate does not support statements preceding the '-- migrate:up' block\"",
				"put it after the line -- migrate:up")
		case !downs(m) && 2*annotated > len(set.Migrations):
			m.Refuse(0, "dbmate finds no down migration in the file",
				"dbmate stops: \"dbmate requires each migration to define a down block with '-- migrate:down'\"",
				"end it with this line, whatever follows:\n-- migrate:down")
		}
	}
}

// hasStatements reports whether a text has more than single-line comments.
func hasStatements(text string) bool {
	return slices.ContainsFunc(strings.Split(text, "\n"), func(l string) bool {
		l = strings.TrimSpace(l)
		return l != "" && !strings.HasPrefix(l, "--")
	})
}
