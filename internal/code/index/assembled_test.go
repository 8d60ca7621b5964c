package index_test

import (
	"slices"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/code/read"
)

// A column is a parsed use of its table if the parts of its query are apart.
func TestAssembledQueries(t *testing.T) {
	t.Parallel()
	const (
		head = "package store\n\nimport \"fmt\"\n\nconst table = \"users\"\n\nfunc f(db DB) {\n"
		none = 0
	)
	for name, c := range map[string]struct {
		file, code string
		line       int // of the use; none if it is not a parsed one
	}{
		"appended": {"a.go", head + "\tq := `SELECT id FROM users`\n\tq += ` WHERE kind = $1`\n}\n", 9},
		"appended in a branch": {"a.go", head + "\tq := `UPDATE users SET a = $1`\n" +
			"\tif x {\n\t\tq += `, kind = $2`\n\t}\n\tq += ` WHERE id = $3`\n}\n", 10},
		"appended in Python":  {"a.py", "def f():\n    q = 'SELECT id FROM users'\n    q += ' WHERE kind = %s'\n", 3},
		"appended to another": {"a.go", head + "\tq := `SELECT id FROM users`\n\tother += ` WHERE kind = $1`\n}\n", none},
		"appended elsewhere":  {"a.go", head + "\tq := `SELECT id FROM users`\n}\n\nfunc g(q string) {\n\tq += ` WHERE kind = $1`\n}\n", none},
		"assigned again":      {"a.go", head + "\tq := `SELECT id FROM users`\n\tq = `SELECT id FROM teams`\n\tq += ` WHERE kind = $1`\n}\n", none},
		"no SQL with both": {"a.go", head + "\tq := `SELECT id FROM users`\n" +
			"\tif x {\n\t\tq += ` WHERE kind = 1`\n\t} else {\n\t\tq += ` WHERE a = 1`\n\t}\n}\n", none},
		"Sprintf of a text":        {"a.go", head + "\tdb.Query(fmt.Sprintf(`SELECT id,\n\tkind FROM %s WHERE id = %d`, \"users\", 1))\n}\n", 9},
		"Sprintf of a constant":    {"a.go", head + "\tdb.Query(fmt.Sprintf(\"SELECT kind FROM %s\", table))\n}\n", 8},
		"Sprintf, escaped":         {"a.go", head + "\tdb.Query(fmt.Sprintf(\"SELECT id %% 2, kind FROM %s\", table))\n}\n", 8},
		"Sprintf of another":       {"a.go", head + "\tdb.Query(fmt.Sprintf(\"SELECT kind FROM %s\", \"teams\"))\n}\n", none},
		"Sprintf of a parameter":   {"a.go", head + "\tdb.Query(fmt.Sprintf(\"SELECT kind FROM %s\", name))\n}\n", none},
		"Sprintf with a number":    {"a.go", head + "\tdb.Query(fmt.Sprintf(\"SELECT kind FROM %[2]s\", \"users\", \"teams\"))\n}\n", none},
		"Sprintf with one missing": {"a.go", head + "\tdb.Query(fmt.Sprintf(\"SELECT kind FROM %s\"))\n}\n", none},
	} {
		found := read.Read(c.file, []byte(c.code))
		if found.Fault != "" {
			t.Fatalf("%s: read %s: fault %s", name, c.file, found.Fault)
		}
		b := &index.Bound{Index: index.NewIndex([]index.File{{Path: c.file, Facts: found}})}
		uses := b.Column(catalog.Name{Schema: "public", Name: "users"}, "kind")
		uses = slices.DeleteFunc(uses, func(u index.Use) bool { return u.Grade < facts.Parsed })
		switch {
		case c.line == none && len(uses) > 0, c.line != none && (len(uses) == 0 || uses[0].Line != c.line):
			t.Errorf("%s: %v, want line %d", name, uses, c.line)
		}
	}
}
