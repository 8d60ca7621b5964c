package golangmigrate

import (
	"cmp"
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

var (
	// uses matches a mention of the library or of its command, such as "migrate -path db". multi matches x-multi-statement=true.
	uses  = lazyregexp.New(`golang-migrate/migrate|golang-migrate\b|\bmigrate/migrate\b|\bmigrate\s+(?:\S+\s+)*?-(?:path|source)\b`)
	multi = lazyregexp.New(`x-multi-statement(?:=|["']\s*[,:]\s*["']?)(?:true|1|t)\b|\bMultiStatementEnabled:\s*true\b`)
)

// findUsage returns a file of the repository that mentions golang-migrate; "-" for none, and for a module that only tests import.
func findUsage(t adapter.Tree) string {
	return adapter.Memoize(t, "golang-migrate used by", func() string {
		file := adapter.FindMentioned(t, false, uses, "migrate")
		if path.Base(file) == "go.mod" && isImportedOnlyByTests(t) {
			return "-"
		}
		return cmp.Or(file, "-")
	})
}

// maxGoFiles bounds the search for an import.
const maxGoFiles = 2000

// isImportedOnlyByTests reports whether tests import golang-migrate and no other file of Go does.
func isImportedOnlyByTests(t adapter.Tree) bool {
	tests, read := false, 0
	for _, p := range t.Paths() {
		if path.Ext(p) != ".go" {
			continue
		}
		if read++; read > maxGoFiles {
			return false
		}
		if strings.Contains(adapter.ReadFile(t, p).Text, `"github.com/golang-migrate/migrate`) {
			if !strings.HasSuffix(p, "_test.go") {
				return false
			}
			tests = true
		}
	}
	return tests
}

// findMultiStatement returns a file that connects with x-multi-statement, which decides how
// every migration is sent; "" for none.
func findMultiStatement(t adapter.Tree) string {
	return adapter.Memoize(t, "x-multi-statement", func() string {
		return adapter.FindMentioned(t, true, multi, "x-multi-statement", "MultiStatementEnabled")
	})
}
