package data

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

func TestBatchesGoByTheKey(t *testing.T) {
	t.Parallel()
	const sql = `CREATE TABLE users (user_id bigint PRIMARY KEY);
CREATE TABLE lines (order_no bigint, "no" int, PRIMARY KEY (order_no, "no"));
CREATE TABLE loose (a text)`
	file, err := pgparse.SplitText(sql)
	if err != nil {
		t.Fatal(err)
	}
	c := catalog.New()
	for _, s := range file.Stmts {
		c, _ = c.Apply(s.Node, sql[s.Start:s.End])
	}
	for table, want := range map[string]string{
		"users": "UPDATE users SET a = 1 WHERE user_id IN (SELECT user_id FROM users WHERE … ORDER BY user_id LIMIT 1000);",
		"lines": "UPDATE lines SET a = 1 WHERE (order_no, no) IN (SELECT order_no, no FROM lines WHERE … ORDER BY order_no, no LIMIT 1000);",
		"loose": "UPDATE loose SET a = 1 WHERE ctid = ANY (ARRAY(SELECT ctid FROM loose WHERE … LIMIT 10000));",
	} {
		_, got, _ := strings.Cut(formatBatchedWrite("UPDATE", "a = 1", "", c.Lookup("", table)), "\n")
		if !strings.HasPrefix(got, want) {
			t.Errorf("formatBatchedWrite for %s = %s, want prefix %s", table, got, want)
		}
	}
	if got := formatBatchedWrite("DELETE", "", "", c.Lookup("", "users")); !strings.Contains(got,
		"delete in batches that commit, outside the migration:\nDELETE FROM users WHERE user_id IN") {
		t.Errorf("formatBatchedWrite of a DELETE = %s, want batches by user_id", got)
	}
}
