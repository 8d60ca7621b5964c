package onward_test

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// frameworks are words that only a migration tool or its mapper is called by.
var frameworks = regexp.MustCompile(`(?i)\b\.?(?:flyway|goose|prisma|django|liquibase|sqlx|dbmate|drizzle|diesel|supabase|refinery|alembic|rails|sql-?migrate|golang-?migrate|node-pg-migrate|makemigrations|atlas\.sum|tern\.conf)`)

// speak lists who may name one all the same, by the beginnings of paths, each with its
// reason.
var speak = map[string]string{
	"internal/adapter/":                        "where the tools are known",
	"internal/code/":                           "what code says to a database, by the libraries that it uses",
	"internal/site/pages/":                     "the list of tools' pages names the one whose page people write",
	"internal/linters/":                        "a linter that is called after the framework whose migrations it reads",
	"internal/cli/":                            "an example in the help of a flag",
	"guard/arguments.go":                       "programs that a command starts, each with its own options",
	"internal/hook/":                           "programs that a command starts, each with the commands that destroy",
	"plan/cached_plans.go":                     "a plan's note names drivers",
	"internal/rules/column/star_read.go":       "the rule's page quotes a library's error",
	"internal/rules/column/add_cached_plan.go": "the rule's page names drivers",
	"internal/rules/database/publication_read": "names of publications, one of which a framework's server makes",
	"internal/rules/release/foreign_key_left":  "the rule's page tells the one framework that it is about",
	"internal/rules/release/leaves_conflict":   "the rule's page tells the one framework that it is about",
	"internal/rules/release/column_missing":    "the rule's page links to a manual",
}

// TestFrameworksAreNamedByAdapters: what others ask of a framework is a trait that its
// adapter gives, so that a new one is its folder or its file, and nothing else.
func TestFrameworksAreNamedByAdapters(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, file := range programs(t, "internal", "apply", "audit", "cmd", "config", "guard", "onward", "plan", "preflight", "record", "rehearse", "verify") {
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := named(code)
		if name == "" {
			continue
		}
		allowed := false
		for prefix := range speak {
			if strings.HasPrefix(file, prefix) {
				allowed, used[prefix] = true, true
			}
		}
		if !allowed {
			t.Errorf("%s: %s: let the adapter say it, as a trait", file, name)
		}
	}
	for prefix := range speak {
		if !used[prefix] && prefix != "internal/code/" {
			t.Errorf("%s names no framework any more: take it off the list", prefix)
		}
	}
}

// programs lists the Go files below some directories, without tests.
func programs(t *testing.T, dirs ...string) []string {
	t.Helper()
	var out []string
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(p, ".go") && !strings.HasSuffix(p, "_test.go") {
				out = append(out, filepath.ToSlash(p))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// named is the first name or literal of a program that names a framework.
func named(code []byte) string {
	var s scanner.Scanner
	fset := token.NewFileSet()
	s.Init(fset.AddFile("", fset.Base(), len(code)), code, nil, 0)
	for {
		_, tok, lit := s.Scan()
		if tok == token.EOF {
			return ""
		}
		if (tok == token.IDENT || tok == token.STRING) && frameworks.MatchString(lit) {
			return lit
		}
	}
}

// TestPatternsAreLazy: each run starts the whole program, and would compile the patterns of all languages and tools.
func TestPatternsAreLazy(t *testing.T) {
	t.Parallel()
	for _, file := range programs(t, "internal", "apply", "audit", "cmd", "config", "guard", "onward", "plan", "preflight", "record", "rehearse", "verify") {
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(code), "regexp.MustCompile(") && !strings.HasPrefix(file, "internal/lazyregexp/") && !strings.Contains(file, "/gen/") {
			t.Errorf("%s: use lazyregexp.New", file)
		}
	}
}
