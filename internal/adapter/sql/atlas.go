package sql

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// Atlas is described from its source (1.0: Executor, LocalFile, cmdapi's tx):
//
//   - A file runs in a transaction, statement by statement. Its directive "atlas:txmode
//     none" switches that off. Directives are comments at the head of a file, followed by
//     an empty line: a comment directly before a statement belongs to that statement.
//   - If a file fails without a transaction, the next run continues at the failed
//     statement.
//   - A checkpoint runs on new databases, instead of everything before it.

var atlas = runner{
	name: "Atlas", apart: "a file of its own that begins with this line and an empty one:\n-- atlas:txmode none",
	historyBehavior: adapter.HistoryBehavior{
		Edited:     "Atlas compares the directory with atlas.sum, not with what was applied: databases that have it keep what the old text did",
		OutOfOrder: "Atlas refuses to run (\"added out of order\") unless --exec-order says otherwise",
	},
	historyTables: []adapter.HistoryTable{{
		Table:   "atlas_schema_revisions",
		Columns: `(version varchar PRIMARY KEY, description varchar NOT NULL, type bigint NOT NULL DEFAULT 2, applied bigint NOT NULL DEFAULT 0, total bigint NOT NULL DEFAULT 0, executed_at timestamptz NOT NULL, execution_time bigint NOT NULL, error text, error_stmt text, hash varchar NOT NULL, partial_hashes jsonb, operator_version varchar NOT NULL)`,
	}},
	// It can also write the files of other tools, from a directory of its own.
	guest: true,
	detectInside: func(p *migrationDir) bool {
		return p.hasFile("atlas.sum") && !p.isHalfOfKind(func(text string) bool { return p.marked(text) != nil })
	},
	list: func(p *migrationDir, set *adapter.Set) {
		first := true
		p.removeFiles(func(_ string, f *adapter.File) bool {
			out := !first && isCheckpoint(f) // a directory may begin with one
			first = false
			return out
		})
		sortAsText(p, set)
	},
	mode: onward.TransactionFile,
	send: func(f *file) {
		if readAtlasDirectives(f.text)["txmode"] == "none" {
			f.mode = onward.TransactionNone
		}
		f.m.Runner.Resumes = true
	},
}

var atlasDirective = lazyregexp.New(`^[ -~]*atlas:(\w+)(?: +(.*\S))?\s*$`)

// readAtlasDirectives returns the directives at the head of a file.
func readAtlasDirectives(text string) map[string]string {
	out := map[string]string{}
	for strings.HasPrefix(text, "--") || strings.HasPrefix(text, "#") {
		line, rest, _ := strings.Cut(text, "\n")
		if m := atlasDirective.FindStringSubmatch(line); m != nil {
			out[m[1]] = m[2]
		}
		text = rest
	}
	if text != "" && !strings.HasPrefix(strings.TrimLeft(text, " \t\r"), "\n") {
		return nil
	}
	return out
}

// isCheckpoint reports whether a file is one that databases with a history skip.
func isCheckpoint(f *adapter.File) bool {
	_, exists := readAtlasDirectives(f.Text)["checkpoint"]
	return exists
}
