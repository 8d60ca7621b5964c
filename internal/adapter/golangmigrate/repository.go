package golangmigrate

import (
	"cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

var (
	uses  = lazyregexp.New(`golang-migrate/migrate|golang-migrate\b|\bmigrate/migrate\b|\bmigrate\s+(?:\S+\s+)*?-(?:path|source)\b`)
	multi = lazyregexp.New(`x-multi-statement(?:=|["']\s*[,:]\s*["']?)(?:true|1|t)\b|\bMultiStatementEnabled:\s*true\b`)
)

// usedBy returns a file of the repository that mentions golang-migrate; "-" for none.
func usedBy(t adapter.Tree) string {
	return adapter.Memoize(t, "golang-migrate used by", func() string {
		return cmp.Or(adapter.FindMentioned(t, false, uses, "migrate"), "-")
	})
}

// multiStatement returns a file that connects with x-multi-statement, which decides how
// every migration is sent; "" for none.
func multiStatement(t adapter.Tree) string {
	return adapter.Memoize(t, "x-multi-statement", func() string {
		return adapter.FindMentioned(t, true, multi, "x-multi-statement", "MultiStatementEnabled")
	})
}
