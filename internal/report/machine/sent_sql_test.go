package machine

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/onward"
)

// Statements are printed with their transactions, and a stranger's text cannot control the terminal.
func TestWriteSent(t *testing.T) {
	t.Parallel()
	r := &onward.Report{Migrations: []onward.Migration{
		{ID: "1_a", Path: "db/1_a.js", Statements: []onward.Statement{
			{SQL: "SET lock_timeout = '5s';\n"}, {SQL: "CREATE TABLE a ()", Transaction: 1}, {SQL: "COMMENT ON TABLE a IS '\x1b[2J'", Transaction: 1},
			{SQL: "CREATE TABLE b ()", Transaction: 2}, {SQL: "CREATE INDEX CONCURRENTLY ON a ((1))"},
		}},
		{ID: "2_\nb", Path: "db/2_b.js"}, {ID: "0_gone", Path: "db/0.js", Status: onward.StatusDeleted},
	}}
	want := `-- 1_a (db/1_a.js)
SET lock_timeout = '5s';
BEGIN;
CREATE TABLE a ();
COMMENT ON TABLE a IS '\x1b[2J';
COMMIT;
BEGIN;
CREATE TABLE b ();
COMMIT;
CREATE INDEX CONCURRENTLY ON a ((1));

-- 2_ b (db/2_b.js)
-- nothing was sent

`
	var b strings.Builder
	if err := WriteSent(&b, r); err != nil || b.String() != want {
		t.Errorf("WriteSent: %v\n%s\nwant\n%s", err, b.String(), want)
	}
	b.Reset()
	if err := WriteSent(&b, &onward.Report{}); err != nil || !strings.HasPrefix(b.String(), "-- the head sends nothing") {
		t.Errorf("WriteSent of an empty report: %v\n%s", err, b.String())
	}
}
