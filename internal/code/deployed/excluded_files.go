package deployed

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/graphql"
	"github.com/onward-sql/onward/internal/code/hasura"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// PlansDir is the directory, relative to the repository's root, of plans whose steps are being written. Its files are neither code nor
// migrations.
const PlansDir = "onward/plans"

// IsNotCode reports whether a file is not code that runs in production: a migration, a test,
// a document, a dump of the schema, a tool's settings, somebody else's package.
func (u *Code) IsNotCode(file string) bool {
	dir, name := path.Split(file)
	dir = strings.TrimSuffix(dir, "/")
	if strings.HasSuffix(name, facts.ModelSnapshot) {
		return false // the model beside its migrations
	}
	if u.migrations[dir] || dir == PlansDir || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".cs") && path.Base(dir) == "Migrations" {
		return true
	}
	ext := path.Ext(name)
	if !languages[ext] && u.isBelowMigrations(dir) {
		return true // a tool's record of them
	}
	if ext == ".sql" && (strings.HasSuffix(name, ".up.sql") || strings.HasSuffix(name, ".down.sql")) {
		return true // the source of generated migrations
	}
	for part := range strings.SplitSeq(dir, "/") {
		if adapter.OtherDatabase(part) {
			return true
		}
		switch part {
		case "node_modules", "bower_components", "vendor", "third_party", "testdata", "tests", "test", "__tests__", "spec", "e2e", "fixtures",
			"tests_e2e", "e2e_tests", "sqltest", "dbtest", "testutil", "testutils", "testhelper", "testhelpers", "__mocks__", "__mock__", "mocks",
			"docs", "doc", "documentation", "locale", "locales", "i18n", "migrations", "migration":
			return true
		case "schema", "schemas":
			if ext == ".sql" {
				return true // a definition of the schema
			}
		}
		if strings.HasPrefix(part, ".") && part != ".sqlx" { // sqlx's checked queries
			return true
		}
	}
	switch ext {
	case ".ddl", ".dbml", ".pg": // a definition of the schema
		return true
	case ".md", ".mdc", ".mdx", ".rst", ".txt", ".lock", ".sum", ".svg", ".map", ".po", ".mo", ".csv", ".css", ".scss", ".html", ".ipynb", ".snap", ".pdf", ".png",
		".tf", ".tfvars", ".hcl", ".patch", ".diff":
		return true
	}
	switch name {
	case "conftest.py", "structure.sql", "schema.sql", "schema.rb", "package-lock.json", "package.json", "Cargo.toml", "go.mod", "Makefile", "Dockerfile":
		return true
	}
	for _, suffix := range []string{".pb.go", ".pb.gw.go", "_pb2.py", "_pb2_grpc.py", "_pb.ts", "_pb.js", ".pb.ts", ".pb.cc", ".pb.h"} {
		if strings.HasSuffix(name, suffix) {
			return true // messages to other programs
		}
	}
	for _, prefix := range []string{"LICENSE", "COPYING", "README", "CHANGELOG"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return ofLibrary.MatchString(name) || strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "test_") || strings.HasSuffix(name, "_test.py") ||
		strings.Contains(name, ".spec.") || strings.Contains(name, ".stories.") || strings.Contains(name, ".test.") || strings.Contains(name,
		".mock.") || strings.Contains(name, ".min.")
}

// ofLibrary matches the name of a copied script of a library: jquery-3.6.1.js.
var ofLibrary = lazyregexp.New(`[-.]v?\d+\.\d+(?:\.\d+)?(?:[-.]\w+)*\.m?js$`)

// isBelowMigrations reports whether a directory is in a directory of migrations.
func (u *Code) isBelowMigrations(dir string) bool {
	for ; dir != "." && dir != "/" && dir != ""; dir = path.Dir(dir) {
		if u.migrations[dir] {
			return true
		}
	}
	return false
}

// isComment reports whether a line of code, without its indentation, is a comment.
func isComment(line string) bool {
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

// IsDataFile reports whether a file holds data, or an example, and no code that runs.
func IsDataFile(file string) bool {
	for part := range strings.SplitSeq(path.Dir(file), "/") {
		if part == "examples" || part == "example" || part == "samples" {
			return true
		}
	}
	return !languages[path.Ext(file)] && !mapper.MatchString(file) && !hasura.IsMetadata(file) && !graphql.IsDocument(file) || strings.HasSuffix(file, ".d.ts")
}

// mapper matches a MyBatis file with the queries of a program, and a mapping of Hibernate.
var mapper = lazyregexp.New(`(?i)(?:mapper\.xml|\.hbm\.xml|(?:^|/)(?:mybatis|mappers?)/(?:.*/)?[^/]*\.xml)$`)

// languages are the extensions of files that run: programs, templates and models.
var languages = wordSet(`
	.astro .c .cc .cjs .clj .cljs .cpp .cr .cs .cshtml .cts .dart .eex .ejs .erb .erl .ex .exs .fs .go .gotmpl .groovy .h .hbs .heex .hpp
	.hs .j2 .java .jinja .jl .js .jsx .kt .kts .liquid .lua .m .mjs .ml .mts .nim .pgsql .php .pl .pm .prisma .psql .py .pyx .r .R .rake
	.razor .rb .rs .scala .sql .svelte .swift .templ .tmpl .ts .tsx .twig .vb .vue .zig
`)

// wordSet returns a list of words as a set.
func wordSet(list string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		out[w] = true
	}
	return out
}

// ownName matches a value that hardly means anything else: "invoice_paid",
// "search.v2".
var ownName = lazyregexp.New(`^\w+(?:[_.:/-]\w+)+$`)

// valueReach is how many lines above a value the name of the column, or of its class or
// type, may be.
const valueReach = 12

// findKnownValues answers the question which values of a column the code knows. A value is known
// if a query or a class of constants of the column has it, a text near the column's name,
// or a distinctive text. The replacing value must be unknown.
func (u *Code) findKnownValues(q question) analysis.Usage {
	b := u.indexFor(q)
	out := analysis.Usage{Known: u.ReadFiles().err == nil}
	if len(b.Value(q.Name, q.Column, q.Now))+len(b.String(q.Now)) > 0 {
		return out
	}
	found := b.Value(q.Name, q.Column, q.Old)
	texts := b.String(q.Old)
	u.ReadFiles().readFilesOf(texts)
	for _, e := range texts {
		if ownName.MatchString(q.Old) || isNearColumnName(u.ReadFiles().lines[e.Path], e.Line, q.Column) {
			found = append(found, e)
		}
	}
	if slices.ContainsFunc(found, func(e index.Use) bool { return u.usesConstant(e.Path, q.Now) }) {
		return out
	}
	out.Used, out.Evidence = len(found) > 0, u.makeEvidence(found, maxEvidence)
	return out
}

// usesConstant reports whether a file uses a constant by its name: Status.paid.
func (u *Code) usesConstant(file, name string) bool {
	u.ReadFiles().readFilesOf([]index.Use{{Path: file}})
	return name != "" && slices.ContainsFunc(u.ReadFiles().lines[file], func(line string) bool {
		for offset := 0; ; {
			n := strings.Index(line[offset:], name)
			if n < 0 {
				return false
			}
			offset += n + len(name)
			if from := offset - len(name); from > 0 && (line[from-1] == '.' || line[from-1] == ':') && isWholeWord(line, from, len(name)) {
				return !isComment(strings.TrimSpace(line))
			}
		}
	})
}

// isNearColumnName reports whether a line, or one of the lines above it, has the name of a
// column, in any of its spellings.
func isNearColumnName(lines []string, lineNumber int, column string) bool {
	bare := strings.ReplaceAll(strings.ToLower(column), "_", "")
	for _, line := range lines[max(0, lineNumber-1-valueReach):min(lineNumber, len(lines))] {
		if strings.Contains(strings.ReplaceAll(strings.ToLower(line), "_", ""), bare) {
			return true
		}
	}
	return false
}
