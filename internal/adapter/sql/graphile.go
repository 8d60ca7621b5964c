package sql

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// graphile-migrate is described from its source (1.4: dist/migration.js, header.js, hash.js):
//
//   - Migrations are the files of the directory committed, in the order of their numbers. A file begins with headers (--! Previous, --! Hash)
//     and an empty line. The current migration, for developers, is not run by "migrate".
//   - Each is one message in a transaction, unless the first line after the headers is --! no-transaction.
//   - Each header Previous must be the hash of the file before it, or nothing runs. A pending file whose text does not fit its hash stops the run.
var (
	graphileHeader  = lazyregexp.New(`^--! (\w+)(?::[ \t]*(.*))?$`)
	graphileOutside = lazyregexp.New(`^--!\s*no-transaction\b`)
)

var graphile = runner{
	name: "graphile-migrate", apart: "a migration of its own that begins, after its headers, with\n--! no-transaction",
	historyBehavior: adapter.HistoryBehavior{
		Edited:     "graphile-migrate compares no migration that has run: databases that have it keep what the old text did",
		Deleted:    "graphile-migrate refuses to run: \"expected a previous migration\"",
		OutOfOrder: "graphile-migrate refuses to run: each migration names the hash of the one before it",
	},
	historyTables: []adapter.HistoryTable{{Table: "migrations"}},
	found: func(t adapter.Tree, d adapter.Dir) string {
		if len(d.Names) > 0 && isGraphile(adapter.ReadFile(t, d.Join(d.Names[0])).Text) {
			return "SQL files of graphile-migrate"
		}
		return ""
	},
	detectInside: func(p *migrationDir) bool { return p.isHalfOfKind(isGraphile) },
	list:         sortAsText,
	sure:         isGraphile,
	mode:         onward.TransactionFile,
	whole:        true,
	send: func(f *file) {
		_, body := cutGraphileHeaders(f.text)
		f.regions = [][2]int{{len(f.text) - len(body), len(f.text)}}
		if graphileOutside.MatchString(body) {
			f.mode = onward.TransactionMessage
		}
	},
	finish: checkGraphileHashes,
}

// isGraphile reports whether a text begins with graphile-migrate's headers.
func isGraphile(text string) bool { return strings.HasPrefix(text, "--! Previous:") }

// isBesideCommitted reports whether a directory has graphile-migrate's directory committed, or is the current migration beside it: "migrate"
// runs nothing else.
func isBesideCommitted(t adapter.Tree, dir string) bool {
	home := dir
	if path.Base(dir) == "current" {
		home = path.Dir(dir)
	}
	first := path.Join(home, "committed", "000001.sql")
	return adapter.HasFile(t, first) && isGraphile(adapter.ReadFile(t, first).Text)
}

// cutGraphileHeaders returns the headers of a file, and its body.
func cutGraphileHeaders(text string) (headers map[string]string, body string) {
	headers = map[string]string{}
	for body = text; ; {
		line, rest, more := strings.Cut(body, "\n")
		m := graphileHeader.FindStringSubmatch(strings.TrimSuffix(line, "\r"))
		if m == nil {
			return headers, strings.TrimLeft(body, "\r\n")
		}
		if headers[m[1]] = strings.TrimSpace(m[2]); !more {
			return headers, ""
		}
		body = rest
	}
}

// checkGraphileHashes records the files at which graphile-migrate stops.
func checkGraphileHashes(_ adapter.Tree, set *adapter.Set) {
	last := "-"
	for _, m := range set.Migrations {
		if m.Failed != "" {
			return
		}
		text := m.Source.Text
		if m.Source.Written != "" {
			text = m.Source.Written
		}
		headers, body := cutGraphileHeaders(text)
		if previous := headers["Previous"]; previous != last {
			m.Refuse(0, fmt.Sprintf("the header Previous is %q, and the hash of the migration before is %q", previous, last),
				"graphile-migrate refuses to run anything", "uncommit and commit the migrations that were merged, so that each follows the other")
		}
		last = headers["Hash"]
		if _, allowed := headers["AllowInvalidHash"]; last != "" && !allowed && last != graphileHash(headers["Previous"], body) {
			m.Refuse(0, "the text does not fit the hash in its header", "graphile-migrate refuses to run it: \"Hash … does not match\"",
				"uncommit and commit the migration, or put a new one after it")
		}
	}
}

// graphileHash is the checksum of a migration.
func graphileHash(previous, body string) string {
	if previous == "-" {
		previous = ""
	}
	sum := sha1.Sum([]byte(strings.TrimSpace(previous+"\n"+strings.TrimSpace(body)) + "\n")) //nolint:gosec // the tool's own checksum
	return "sha1:" + hex.EncodeToString(sum[:])
}
