package golangmigrate

import (
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
)

var (
	uses  = regexp.MustCompile(`golang-migrate/migrate|golang-migrate\b|\bmigrate/migrate\b|\bmigrate\s+(?:\S+\s+)*?-(?:path|source)\b`)
	multi = regexp.MustCompile(`x-multi-statement(?:=|["']\s*[,:]\s*["']?)(?:true|1|t)\b|\bMultiStatementEnabled:\s*true\b`)
)

// usedBy finds a file of the repository that names golang-migrate; "-" for
// none.
func usedBy(t adapter.Tree) string {
	return adapter.Once(t, "golang-migrate used by", func() string {
		for _, p := range adapter.RunnerFiles(t, false) {
			if f := adapter.ReadFile(t, p); strings.Contains(f.Text, "migrate") && uses.MatchString(f.Text) {
				return p
			}
		}
		return "-"
	})
}

// multiStatement finds a file that connects with x-multi-statement, which
// decides how every migration is sent; "" for none.
func multiStatement(t adapter.Tree) string {
	return adapter.Once(t, "x-multi-statement", func() string {
		for _, p := range adapter.RunnerFiles(t, true) {
			if f := adapter.ReadFile(t, p); (strings.Contains(f.Text, "x-multi-statement") || strings.Contains(f.Text, "MultiStatementEnabled")) && multi.MatchString(f.Text) {
				return p
			}
		}
		return ""
	})
}
