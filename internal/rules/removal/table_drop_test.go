package removal

import (
	"testing"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// TestDropOfUnseenTable: a table that nothing created may be there when the
// history does not begin at an empty database, and is not there when it does.
func TestDropOfUnseenTable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		before, sql string
		known       bool
		want        onward.Severity
	}{
		{"", "DROP TABLE IF EXISTS users", false, onward.Warning},
		{"", "DROP TABLE IF EXISTS users", true, onward.Off},
		{"CREATE TABLE orders (id int)", "DROP TABLE IF EXISTS users", false, onward.Off},
		{"", "DROP TABLE users", false, onward.Error},
		{"", "DROP TABLE IF EXISTS users; CREATE TABLE users (id int)", false, onward.Off},
		{"", "CREATE TABLE users (id int); DROP TABLE IF EXISTS users", false, onward.Off},
		{"", "DROP TABLE IF EXISTS users; ROLLBACK", false, onward.Off},
	} {
		build := func(sql string) *script.Script {
			s, err := script.BuildScript(script.Source{Text: sql, Parts: []script.Part{{SQL: sql}}, Mode: onward.TransactionFile})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		e := rule.NewEngine(rule.Config{Rules: []*rule.Rule{TableDrop}, Versions: []int{16}}, nil)
		e.FoldDeployed(build(c.before))
		e.Release().Known = c.known
		e.JudgeMigration(&rule.Migration{ID: "1", Path: "1.sql", Mode: onward.TransactionFile, Script: build(c.sql)})
		findings, _ := e.Finish()
		got := onward.Off
		for _, f := range findings {
			if f.Rule == TableDrop.ID {
				got = max(got, f.Severity)
			}
		}
		if got != c.want {
			t.Errorf("%s; %s, known %v: %s, want %s", c.before, c.sql, c.known, got, c.want)
		}
	}
}
