package golangmigrate

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
)

var (
	uses  = regexp.MustCompile(`golang-migrate/migrate|golang-migrate\b|\bmigrate/migrate\b|\bmigrate\s+(?:\S+\s+)*?-(?:path|source)\b`)
	multi = regexp.MustCompile(`x-multi-statement=(?:true|1|t)\b|\bMultiStatementEnabled:\s*true\b`)
)

// usedBy finds a file of the repository that names golang-migrate; "-" for
// none.
func usedBy(t adapter.Tree) string {
	return adapter.Once(t, "golang-migrate used by", func() string {
		for _, p := range hints(t, false) {
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
		for _, p := range hints(t, true) {
			if f := adapter.ReadFile(t, p); (strings.Contains(f.Text, "x-multi-statement") || strings.Contains(f.Text, "MultiStatementEnabled")) && multi.MatchString(f.Text) {
				return p
			}
		}
		return ""
	})
}

// hints lists the files in which a repository says how it runs its
// migrations: build and deployment files, and Go code whose path speaks of
// databases. At most 200, so that a large repository costs no more.
func hints(t adapter.Tree, code bool) []string {
	var out []string
	for _, p := range t.Paths() {
		if len(out) == 200 {
			break
		}
		if plainSQL(p) || strings.Contains(p, "node_modules/") || strings.Contains(p, "vendor/") {
			continue
		}
		base := strings.ToLower(path.Base(p))
		ok := base == "go.mod" || base == "makefile" || base == "justfile" || base == ".env" ||
			strings.HasPrefix(base, "taskfile.y") || strings.HasPrefix(base, "dockerfile") ||
			strings.Contains(base, "compose") && (strings.HasSuffix(base, ".yml") || strings.HasSuffix(base, ".yaml")) ||
			strings.HasPrefix(base, ".env") || strings.HasSuffix(base, ".mk") || strings.HasSuffix(base, ".sh") ||
			strings.HasPrefix(p, ".github/workflows/")
		if code && !ok && strings.HasSuffix(base, ".go") && !strings.HasSuffix(base, "_test.go") {
			ok = speaksOfDatabases(strings.ToLower(p))
		}
		if ok {
			out = append(out, p)
		}
	}
	return out
}

// plainSQL tells most files of a repository full of migrations from those that
// hints looks for, by the ends of their names.
func plainSQL(p string) bool {
	if !strings.HasSuffix(p, ".sql") || strings.HasPrefix(p, ".github/") {
		return false
	}
	first := p[strings.LastIndexByte(p, '/')+1]
	return '0' <= first && first <= '9' || first == 'V' || first == 'u' // 0001_a.sql, V1__a.sql, up.sql
}

// speaksOfDatabases reports whether a path in lower case does.
func speaksOfDatabases(p string) bool {
	return slices.ContainsFunc([]string{"migrat", "database", "/db", "postgres", "pg/", "pgx/", "store", "storage", "config"},
		func(s string) bool { return strings.Contains(p, s) }) || strings.HasPrefix(p, "db") ||
		p == "main.go" || strings.HasSuffix(p, "/main.go")
}
