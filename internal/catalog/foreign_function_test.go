package catalog_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
)

// The server refuses a function of another database in each expression, unless the history creates one of its name, or
// brings an extension that may.
func TestFunctionsOfOtherDatabases(t *testing.T) {
	t.Parallel()
	const made = "CREATE FUNCTION ifnull(int, int) RETURNS int LANGUAGE sql AS 'SELECT coalesce($1, $2)';"
	for _, c := range []struct {
		before, statement, want string
	}{
		{"", "CREATE TABLE b (y int DEFAULT (strftime('%s', 'now')))", "function strftime() does not exist"},
		{"", "ALTER TABLE a ADD COLUMN c timestamp DEFAULT getdate()", "function getdate() does not exist"},
		{"", "ALTER TABLE a ALTER COLUMN id SET DEFAULT unixepoch()", "function unixepoch() does not exist"},
		{"", "CREATE INDEX ON a (ifnull(id, 1))", "function ifnull() does not exist"},
		{"", "CREATE INDEX ON a (id) WHERE ifnull(id, 1) > 1", "function ifnull() does not exist"},
		{"", "INSERT INTO a VALUES (ifnull(NULL, 1))", "function ifnull() does not exist"},
		{"", "UPDATE a SET id = nvl(id, 1)", "function nvl() does not exist"},
		{made, "CREATE INDEX ON a (ifnull(id, 1))", ""},
		{made, "UPDATE a SET id = ifnull(id, 1)", ""},
		{"CREATE EXTENSION orafce;", "UPDATE a SET id = nvl(id, 1)", ""},
		{"", "UPDATE a SET id = tools.nvl(id, 1)", ""},
		{"", "UPDATE a SET id = not_known(id)", ""},
	} {
		history, _ := apply(t, catalog.New(), "CREATE TABLE a (id int PRIMARY KEY);"+c.before)
		_, got := apply(t, history, c.statement)
		got = strings.TrimPrefix(strings.TrimSpace(got), "ERROR 42883: ")
		if got != c.want {
			t.Errorf("%s%s: %q, want %q", c.before, c.statement, got, c.want)
		}
	}
}
