package sql

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// sql-migrate is described from its source (v1.8.1).
var sqlMigrate = runner{
	name: "sql-migrate", begin: "-- +migrate StatementBegin", end: "-- +migrate StatementEnd", apart: "a file of its own that begins with\n-- +migrate Up notransaction",
	historyBehavior: adapter.HistoryBehavior{
		Renamed:    "sql-migrate records names, and refuses to run (\"unknown migration in database\")",
		Edited:     "sql-migrate records names, not contents: databases that have it keep what the old text did",
		Deleted:    "sql-migrate refuses to run (\"unknown migration in database\")",
		OutOfOrder: "sql-migrate " + runsAfter,
	},
	historyTables: []adapter.HistoryTable{{Table: "gorp_migrations", Columns: `(id text PRIMARY KEY, applied_at timestamptz)`}},
	// The evidence is its configuration, or a Go module that requires it. Its markers
	// prove nothing: other tools that cut differently use them too.
	detectNearby: func(p *migrationDir) bool {
		return p.hasFileAbove("dbconfig.yml") || p.nearestFileHas("go.mod", "github.com/rubenv/sql-migrate ")
	},
	marks: &marks{
		up: compilePattern(`^--\s*\+migrate\s+Up\b.*$`), down: compilePattern(`^--\s*\+migrate\s+Down\b.*$`), words: []string{"+migrate", "+Migrate", "+MIGRATE"},
		mode: onward.TransactionFile, none: onward.TransactionNone, cuts: true,
		off: compilePattern(`^--\s*\+migrate\s+Up\b.*\bnotransaction\b`), offDown: compilePattern(`^--\s*\+migrate\s+Down\b.*\bnotransaction\b`),
	},
	loose:    true,
	rowTable: history.BareRow,
	send: func(f *file) {
		if f.own && f.marked && strings.Contains(f.text, command) {
			f.regions = nil
			f.m.Source.Parts, f.m.Problems = cutAtLines(f.text)
			f.warnOfLostLines("sql-migrate", "each line that begins with \"-- \"", func(line string) bool { return strings.HasPrefix(line, "-- ") })
		}
	},
}

// command begins the lines that sql-migrate reads as commands; the case of letters
// matters.
const command = "-- +migrate "

// cutter follows sql-migrate through a file, according to its source (sqlparse, v1.8.1):
// a line whose last word ends in ';' ends a statement, except after StatementBegin.
type cutter struct {
	text     string
	pieces   []adapter.Piece // of the up migration
	problems []history.Refusal
	up, any  bool // in the up migration; in either
	block    bool
	open     int // start of the open statement; -1: none
	last     int // end of its last line
}

// cutAtLines cuts the up migration of a file where sql-migrate does, and returns what
// sql-migrate refuses.
func cutAtLines(text string) ([]script.Part, []history.Refusal) {
	c := &cutter{text: text, open: -1}
	line := 0
	for pos := 0; pos < len(text); {
		line++
		end, next := len(text), len(text)
		if n := strings.IndexByte(text[pos:], '\n'); n >= 0 {
			end, next = pos+n, pos+n+1
		}
		c.readLine(pos, end)
		pos = next
	}
	if !c.block {
		c.reportUnendedStatement("the file ends")
	} else {
		c.endStatement(true)
		c.refuseLine(line, "StatementBegin has no StatementEnd", "sql-migrate refuses the file, and the run stops",
			"end the statement with the line \"-- +migrate StatementEnd\"")
	}
	parts := adapter.JoinPieces(text, c.pieces, func(begin, line int, inside string) {
		c.refuseLine(begin, fmt.Sprintf("sql-migrate ends the statement at the ';' of line %d, inside %s", line, inside),
			"it sends half a statement, the server answers with a syntax error, and the run stops",
			"put \"-- +migrate StatementBegin\" before the statement and \"-- +migrate StatementEnd\" after it")
	})
	return parts, c.problems
}

func (c *cutter) refuseLine(line int, message, harm, instead string) {
	c.problems = append(c.problems, history.Refusal{Line: line, Column: 1, Message: message, Harm: harm, Instead: instead})
}

// readLine consumes the line text[start:end].
func (c *cutter) readLine(start, end int) {
	text := strings.TrimSuffix(c.text[start:end], "\r")
	if options, ok := strings.CutPrefix(text, command); ok {
		c.readCommand(strings.Fields(options))
		return
	}
	if !c.any || strings.HasPrefix(text, "-- ") {
		return
	}
	if strings.TrimSpace(text) != "" && c.open < 0 {
		c.open = start
	}
	if c.last = end; !c.block && adapter.EndsStatement(text) {
		c.endStatement(false)
	}
}

func (c *cutter) readCommand(words []string) {
	if len(words) == 0 {
		return
	}
	switch words[0] {
	case "Up", "Down":
		c.reportUnendedStatement(words[0] + " follows")
		c.any, c.up = true, words[0] == "Up"
	case "StatementBegin":
		c.block = c.any
	case "StatementEnd":
		if c.block {
			c.block = false
			c.endStatement(true)
		}
	}
}

// endStatement ends the open statement.
func (c *cutter) endStatement(block bool) {
	if c.open >= 0 && c.up {
		c.pieces = append(c.pieces, adapter.Piece{Start: c.open, End: c.last, Block: block})
	}
	c.open = -1
}

// reportUnendedStatement reports a statement without an end.
func (c *cutter) reportUnendedStatement(boundary string) {
	if c.open < 0 {
		return
	}
	c.refuseLine(1+strings.Count(c.text[:c.open], "\n"), "the statement has no ';' at the end of a line before "+boundary,
		"sql-migrate refuses the file, and the run stops: \"The last statement must be ended by a semicolon\"",
		"end the statement with ';', and nothing but a comment after it")
	c.endStatement(true)
}
