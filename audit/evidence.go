package audit

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/onward"
)

// noCode reports whether a file is none that runs in production: a migration, a
// test, a document, a dump of the schema, a tool's settings, somebody else's
// package.
func (u *deployedCode) noCode(file string) bool {
	dir, name := path.Split(file)
	dir = strings.TrimSuffix(dir, "/")
	if u.migrations[dir] || strings.HasPrefix(name, ".") {
		return true
	}
	ext := path.Ext(name)
	if !languages[ext] && u.belowMigrations(dir) {
		return true // what a tool remembers of them
	}
	if ext == ".sql" && (strings.HasSuffix(name, ".up.sql") || strings.HasSuffix(name, ".down.sql")) {
		return true // what migrations are made from
	}
	for part := range strings.SplitSeq(dir, "/") {
		if adapter.OtherDatabase(part) {
			return true
		}
		switch part {
		case "node_modules", "bower_components", "vendor", "third_party", "testdata", "tests", "test", "__tests__", "spec", "e2e", "fixtures",
			"sqltest", "dbtest", "testutil", "testutils", "testhelper", "testhelpers", "__mocks__", "__mock__", "mocks",
			"docs", "doc", "documentation", "locale", "locales", "i18n", "migrations", "migration":
			return true
		case "schema", "schemas":
			if ext == ".sql" {
				return true // what the database is made of
			}
		}
		if strings.HasPrefix(part, ".") && part != ".sqlx" { // queries, as sqlx checked them
			return true
		}
	}
	switch ext {
	case ".ddl", ".dbml", ".pg": // what the database is made of
		return true
	case ".md", ".mdc", ".mdx", ".rst", ".txt", ".lock", ".sum", ".svg", ".map", ".po", ".mo", ".csv", ".css", ".scss", ".html", ".ipynb", ".snap", ".pdf", ".png",
		".tf", ".tfvars", ".hcl", ".patch", ".diff":
		return true
	}
	switch name {
	case "conftest.py", "structure.sql", "schema.sql", "schema.rb", "package-lock.json", "package.json", "Cargo.toml", "go.mod", "Makefile", "Dockerfile":
		return true
	}
	for _, made := range []string{".pb.go", ".pb.gw.go", "_pb2.py", "_pb2_grpc.py", "_pb.ts", "_pb.js", ".pb.ts", ".pb.cc", ".pb.h"} {
		if strings.HasSuffix(name, made) {
			return true // messages to other programs
		}
	}
	for _, prefix := range []string{"LICENSE", "COPYING", "README", "CHANGELOG"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return ofLibrary.MatchString(name) || strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "test_") || strings.HasSuffix(name, "_test.py") ||
		strings.Contains(name, ".spec.") || strings.Contains(name, ".stories.") || strings.Contains(name, ".test.") || strings.Contains(name, ".mock.") || strings.Contains(name, ".min.")
}

// ofLibrary is the name of a copy of somebody else's script: jquery-3.6.1.js.
var ofLibrary = regexp.MustCompile(`[-.]v?\d+\.\d+(?:\.\d+)?(?:[-.]\w+)*\.m?js$`)

// belowMigrations reports whether a directory is in one of migrations.
func (u *deployedCode) belowMigrations(dir string) bool {
	for ; dir != "." && dir != "/" && dir != ""; dir = path.Dir(dir) {
		if u.migrations[dir] {
			return true
		}
	}
	return false
}

// upserts are the words of code that says ON CONFLICT, in SQL and in mappers.
var upserts = []string{
	"CONFLICT", "conflict", "Conflict", "onConflict", "OnConflict", "on_conflict", "ON_CONFLICT", "upsert", "Upsert", "UPSERT",
	"onConflictDoUpdate", "onConflictDoNothing", "OnConflictColumns", "OnConflictDoNothing", "on_conflict_do_update", "on_conflict_do_nothing",
	"update_conflicts", "upsertMany", "upsert_all", "insert_all", "bulkUpsert", "orUpdate", "updateOnDuplicate", "ignoreDuplicates",
	"insert_conflict", "onDuplicateKeyUpdate", "batchUpsert", "UpsertRange",
}

// An HTTP conflict is none.
var onConflict = regexp.MustCompile(`(?i)\bon(?:[ _]?|\("?)conflict|update_conflicts|upsert|insert_all|orUpdate|updateOnDuplicate|ignoreDuplicates|insert_conflict|onDuplicateKeyUpdate`)

// comment reports whether a line of code, without its indentation, is one.
func comment(line string) bool {
	if rest := strings.TrimLeft(line, "#"); rest != line && (rest == "" || rest[0] == ' ') {
		return true
	}
	for _, mark := range []string{"//", "-- ", "<!--", "/*", "* ", "\"\"\""} {
		if strings.HasPrefix(line, mark) {
			return true
		}
	}
	return false
}

// data reports whether a file holds data, or an example, rather than code that
// runs.
func data(file string) bool {
	for part := range strings.SplitSeq(path.Dir(file), "/") {
		if part == "examples" || part == "example" || part == "samples" {
			return true
		}
	}
	return !languages[path.Ext(file)] && !mapper.MatchString(file) || strings.HasSuffix(file, ".d.ts")
}

// mapper is a file of MyBatis' with the queries of a program.
var mapper = regexp.MustCompile(`(?i)(?:mapper\.xml|(?:^|/)(?:mybatis|mappers?)/(?:.*/)?[^/]*\.xml)$`)

// languages are the endings of what runs: programs, templates and models.
var languages = wordSet(`
	.astro .c .cc .cjs .clj .cljs .cpp .cr .cs .cshtml .cts .dart .eex .ejs .erb .erl .ex .exs .fs .go .gotmpl .groovy .h .hbs .heex .hpp
	.hs .j2 .java .jinja .jl .js .jsx .kt .kts .liquid .lua .m .mjs .ml .mts .nim .pgsql .php .pl .pm .prisma .psql .py .pyx .r .R .rake
	.razor .rb .rs .scala .sql .svelte .swift .templ .tmpl .ts .tsx .twig .vb .vue .zig
`)

// wordSet is a list of words as a set.
func wordSet(list string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		out[w] = true
	}
	return out
}

// weigh turns hits of a name into an answer. Of a column, what stands in a file
// that names the table too counts first, the nearer to the table's name the
// better; code comes before data. Comments use nothing.
func (u *deployedCode) weigh(q question, hits, tableHits []gitrange.Hit) analysis.Usage {
	out := analysis.Usage{Known: true}
	tables := map[string][]int{} // file → lines that name the table
	type place struct {
		path string
		line int
	}
	beside := map[place]bool{} // of the table's name as it is in the schema
	for _, h := range tableHits {
		tables[h.Path] = append(tables[h.Path], h.Line)
		beside[place{h.Path, h.Line}] = beside[place{h.Path, h.Line}] || h.Word == q.Name.Name
	}
	type candidate struct {
		gitrange.Hit
		rank int
	}
	var found []candidate
	others := u.others(q)
	whose := u.belonging(q, others, hits)
	// Prisma's client has no field of that name, and leaves SQL to name the column.
	ignored := q.Column != "" && slices.ContainsFunc(hits, func(h gitrange.Hit) bool { return path.Ext(h.Path) == ".prisma" && u.disowned(h) })
	for _, h := range hits {
		if q.idle(h) || ofOthers(h, others) || q.Column != "" && u.disowned(h) || ignored && h.Word != q.Column || whose.ofOthers(h) {
			continue
		}
		c := candidate{Hit: h}
		if data(h.Path) {
			c.rank += 4
		}
		if lines := tables[h.Path]; q.Column != "" {
			switch d := distance(lines, h.Line); {
			case beside[place{h.Path, h.Line}]:
				c.rank-- // in one query
			case len(lines) == 0:
				c.rank += 8
			case d > 40:
				c.rank += 2
			case d > 8:
				c.rank++
			}
		}
		switch {
		case q.Column == "":
			c.rank += q.likeness(h)
		case strings.Contains(h.Text, `\"`+h.Word+`\"`):
			c.rank += 4 // of data in a text
		default:
			c.rank += columnLikeness(h)
		}
		found = append(found, c)
	}
	out.Used = len(found) > 0
	written := func(c candidate) int { // a column as it is in the schema
		if q.Column == "" || c.Word == q.Column {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Or(a.rank-b.rank, written(a)-written(b)) })
	seen := map[string]bool{}
	for _, c := range found {
		at := fmt.Sprintf("%s:%d", c.Path, c.Line)
		// What is far worse than the best shows nothing.
		if seen[at] || len(out.Evidence) == maxEvidence || c.rank >= found[0].rank+4 {
			continue
		}
		seen[at] = true
		out.Evidence = append(out.Evidence, onward.Evidence{Kind: "code", Path: c.Path, Line: c.Line, Text: c.Text, Revision: u.name})
	}
	return out
}

// others are the tables of the deployed schema that have a column of the same name.
func (u *deployedCode) others(q question) map[string]bool {
	c := u.deployed[q.database]
	if c == nil || q.Column == "" {
		return nil
	}
	out := map[string]bool{}
	c.Relations(func(r *catalog.Relation) bool {
		if r.Kind.IsTable() && r.Name.Name != q.Name.Name && r.Column(q.Column) != nil {
			out[strings.ToLower(r.Name.Name)] = true
		}
		return true
	})
	return out
}

// ofOthers reports whether a column is of another table wherever it stands in a line of
// SQL: policies.repo_id = repos.id.
func ofOthers(h gitrange.Hit, others map[string]bool) bool {
	return len(others) > 0 && wherever(h, func(before, _ string) bool {
		m := qualifier.FindStringSubmatch(before)
		return m != nil && others[strings.ToLower(m[1])]
	})
}

// qualifier is the name of a table in front of that of its column.
var qualifier = regexp.MustCompile(`(\w+)"?\."?$`)

// idle reports whether a hit uses nothing, whatever else says.
func (q question) idle(h gitrange.Hit) bool {
	switch {
	case comment(h.Text), hyphened(h), behindCode(h), home.MatchString(h.Text):
		return true
	case prose(h):
		return true
	case q.Column == "":
		return declares(h)
	}
	return bringing.MatchString(h.Text) || ofLanguage(h) || ofPackage(h) || inJSON(h) || literal(h)
}

// hyphened reports whether a word is part of a longer one with hyphens wherever it
// stands in its line: of "out-of-service" in a text, of a class or a path.
func hyphened(h gitrange.Hit) bool {
	if h.Word == "" {
		return false
	}
	seen := false
	text := h.Text
	for at := 0; at < len(text); {
		n := strings.Index(text[at:], h.Word)
		if n < 0 {
			break
		}
		from, to := at+n, at+n+len(h.Word)
		at = to
		if from > 0 && letter(text[from-1]) || to < len(text) && letter(text[to]) {
			continue // of another name
		}
		before := from > 1 && text[from-1] == '-' && letter(text[from-2])
		after := to+1 < len(text) && text[to] == '-' && letter(text[to+1])
		if !before && !after {
			return false
		}
		seen = true
	}
	return seen
}

// letter reports whether a byte belongs to a name.
func letter(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= 0x80
}

// likeness ranks a hit of a table's name: where rows are added, in another query
// or where a mapper is told of it, as it is written in the schema, as a mapper
// spells it, or a mere word.
func (q question) likeness(h gitrange.Hit) int {
	switch {
	case h.Word != q.Name.Name && strings.ToLower(h.Word) == h.Word && !strings.Contains(h.Word, "_"):
		return 4 // the singular: also a word of the language
	case h.Word != q.Name.Name:
		return 3
	}
	if s := q.Name.Schema; s != "" && strings.Contains(h.Text, s+"."+h.Word) {
		return 0
	}
	before, after, _ := strings.Cut(h.Text, h.Word)
	if strings.HasSuffix(before, "/") || fileEnding.MatchString(after) {
		return 3 // of a path
	}
	if strings.HasSuffix(before, `\"`) {
		return 3 // of data in a text
	}
	before = strings.ToLower(strings.TrimRight(before, "\"'`.(=: "))
	for rank, verbs := range [][]string{{"into", "insert"}, {"from", "update", "join", "map"}} {
		for _, v := range verbs {
			if rest, ok := strings.CutSuffix(before, v); ok && (rest == "" || !letter(rest[len(rest)-1])) {
				return rank
			}
		}
	}
	if strings.Contains(before, "table") {
		return 1 // @Table(name = …
	}
	if strings.HasSuffix(before, "type_name") || path.Ext(h.Path) != ".rs" && strings.Contains(h.Text, "::"+h.Word) {
		return 1 // of a type: #[sqlx(type_name = …, and a cast, which in Rust is a path
	}
	return 2
}

// fileEnding is what follows a word that is the name of a file.
var fileEnding = regexp.MustCompile(`^\.(?:proto|json|ya?ml|toml|sql|go|rs|tsx?|jsx?|py|rb|java|html?|tmpl|md|txt|csv|sh|png|svg)\b`)

// distance is how many lines a line is from the nearest of others.
func distance(lines []int, line int) int {
	best := 1 << 30
	for _, l := range lines {
		best = min(best, max(l-line, line-l))
	}
	return best
}
