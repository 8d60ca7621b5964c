package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// A release whose rows are computed once loses what the deployed code writes afterwards. Its plan is refused, or a trigger computes on.
func TestLostWrites(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ release, missing string }{
		"a dropped source of another table": {
			"ALTER TABLE orders ADD COLUMN land text; UPDATE orders SET land = c.country FROM customers c WHERE c.id = customer_id; " +
				"ALTER TABLE customers DROP COLUMN country;", "reads customers.country, which the release drops",
		},
		"a dropped source in a condition": {
			"UPDATE customers SET note = 'old' WHERE age = '9'; ALTER TABLE customers DROP COLUMN age;", "reads customers.age, which the release drops",
		},
		"rows chosen by a dropped column": {
			"DELETE FROM customers WHERE age = '9'; ALTER TABLE customers DROP COLUMN age;", "reads customers.age, which the release drops",
		},
		"a table made of a dropped one": {"CREATE TABLE kept AS SELECT * FROM keyless; DROP TABLE keyless;", "reads the table keyless, which the release drops"},
		"from another table": {
			"ALTER TABLE orders ADD COLUMN land text; UPDATE orders SET land = (SELECT country FROM customers c WHERE c.id = customer_id);",
			"fills the new column orders.land once, from",
		},
		"by the settings of the session": {
			"ALTER TABLE customers ADD COLUMN day date; UPDATE customers SET day = to_date(age, 'YYYY') WHERE age IS NOT NULL;",
			"fills the new column customers.day once, from customers.age",
		},
		"another meaning by another name": {
			"UPDATE orders SET total = 100 - total; ALTER TABLE orders RENAME COLUMN total TO rest;", "deployed code and new code would mean different values",
		},
		"emptied and dropped": {"UPDATE customers SET note = NULL; ALTER TABLE customers DROP COLUMN note;", "writes customers.note, which the release drops"},

		"the release's own trigger": {"ALTER TABLE customers ADD COLUMN big text;\n-- +goose StatementBegin\n" +
			"CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.big := upper(NEW.email); RETURN NEW; END $$;\n-- +goose StatementEnd\n" +
			"CREATE TRIGGER fill BEFORE INSERT OR UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION fill();\n" +
			"UPDATE customers SET big = (SELECT upper(c.email) FROM customers c WHERE c.id = customers.id);", ""},
		"a default for later rows": {"ALTER TABLE customers ADD COLUMN checked boolean DEFAULT false; UPDATE customers SET checked = true;", ""},
		"rows by their keys":       {"ALTER TABLE customers ADD COLUMN rank int; UPDATE customers SET rank = 1 WHERE id = 5;", ""},
		"empty values of a renamed column": {
			"ALTER TABLE customers RENAME COLUMN note TO remark; UPDATE customers SET remark = '' WHERE remark IS NULL;", "",
		},
		"the same row": {"ALTER TABLE customers ADD COLUMN big text; UPDATE customers SET big = upper(email); ALTER TABLE customers DROP COLUMN email;", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			missing := strings.Join(sketchRelease(t, repository(t, base, c.release)).Proof.Missing, "\n")
			if c.missing == "" && missing != "" || !strings.Contains(missing, c.missing) {
				t.Errorf("missing is %q, want %q", missing, c.missing)
			}
		})
	}
}

// What removes or hides rows, and what depends on that, comes after the deployed code; what no phase suits is refused.
func TestRemovedRows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ release, early, missing string }{
		"deleted": {"DELETE FROM orders WHERE status = 'x';", "", ""},
		"one row": {"DELETE FROM customers WHERE id = 5;", "", ""},
		"moved": {
			"CREATE TABLE past (LIKE orders); " +
				"WITH d AS (DELETE FROM orders WHERE id = 5 RETURNING *) INSERT INTO past SELECT * FROM d;", "CREATE TABLE past", "",
		},
		"marked":              {"UPDATE customers SET note = 'archived' WHERE age = '1';", "", ""},
		"then a constraint":   {"DELETE FROM orders WHERE total < 0; ALTER TABLE orders ADD CHECK (total >= 0);", "", ""},
		"then a unique index": {"DELETE FROM orders WHERE total < 0; CREATE UNIQUE INDEX ON orders (lower(status));", "", ""},
		"by a foreign key":    {"DELETE FROM customers WHERE id < 0; ALTER TABLE customers ADD CHECK (id >= 0);", "", ""},
		"then others":         {"DELETE FROM orders WHERE total < 0; ALTER TABLE orders ADD COLUMN x int;", "ADD COLUMN x", ""},
		"then their values":   {"DELETE FROM orders WHERE total < 0; UPDATE orders SET total = total + 1;", "", ""},
		"all":                 {"DELETE FROM keyless;", "", "removes all rows of keyless"},
		"emptied":             {"TRUNCATE keyless;", "", "removes all rows of keyless"},
		"emptied and dropped": {"TRUNCATE keyless; DROP TABLE keyless;", "", ""},
		"copied, then deleted": {
			"CREATE TABLE past AS SELECT * FROM orders WHERE total < 5; " +
				"DELETE FROM orders WHERE total < 5;", "CREATE TABLE past", "which migrations/00002_step.sql:2 reads",
		},
		"deleted, then copied": {"DELETE FROM orders WHERE total < 5; CREATE TABLE rest AS SELECT * FROM orders;", "", "no phase suits both codes"},
		"listed, then deleted": {
			"CREATE TABLE old AS SELECT id FROM orders WHERE total < 5; DELETE FROM orders USING old WHERE orders.id = old.id;", "CREATE TABLE old", "",
		},
		"of the release": {
			"CREATE TABLE kinds (id int PRIMARY KEY); INSERT INTO kinds VALUES (1), (2); DELETE FROM kinds WHERE id = 1;", "DELETE FROM kinds", "",
		},
		"shown": {"UPDATE customers SET note = 'shown' WHERE id = 1;", "SET note", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := sketchRelease(t, repository(t, base, c.release))
			missing := strings.Join(p.Proof.Missing, "\n")
			if c.missing == "" && missing != "" || !strings.Contains(missing, c.missing) {
				t.Errorf("missing is %q, want %q", missing, c.missing)
			}
			var early string
			for _, s := range p.Steps[:p.Contract()] {
				early += s.SQL
			}
			if c.missing == "" && (c.early == "") != (early == "") || !strings.Contains(early, c.early) || strings.Contains(early, "DELETE FROM orders") {
				t.Errorf("before the contract, want %q:\n%s", c.early, told(p))
			}
		})
	}
}

// A function that a trigger calls is left with the columns that it needs, and is replaced if they are planned.
func TestFunctionOfLeftColumns(t *testing.T) {
	t.Parallel()
	const body = " RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.%s := lower(NEW.%[1]s); RETURN NEW; END $$;\n-- +goose StatementEnd\n"
	const begin = "-- +goose StatementBegin\n"
	deployed := "CREATE TABLE seen (id bigint PRIMARY KEY, tag text);\n" + begin + "CREATE FUNCTION fold()" + fmt.Sprintf(body, "tag") +
		"CREATE TRIGGER \"~~~fold\" BEFORE INSERT OR UPDATE ON seen FOR EACH ROW EXECUTE FUNCTION fold();"
	p := sketchRelease(t, repository(t, deployed, "ALTER TABLE seen RENAME COLUMN tag TO label;\n"+begin+"CREATE OR REPLACE FUNCTION fold()"+
		fmt.Sprintf(body, "label")+begin+"CREATE FUNCTION label()"+fmt.Sprintf(body, "x")))
	var sql string
	for _, s := range p.Steps {
		sql += s.SQL
	}
	if p.Proof.Proven || strings.Contains(sql, "FUNCTION fold()") && !strings.Contains(sql, "RENAME COLUMN") && !strings.Contains(sql, "ADD COLUMN label") ||
		len(p.Proof.Missing) == 0 && len(p.Left) < 2 {
		t.Errorf("fold() is replaced without its column:\n%s", told(p))
	}
}

// A key with more columns comes last: new code learns which rows it must not write before.
func TestWiderKeyNote(t *testing.T) {
	t.Parallel()
	const swap = "ALTER TABLE customers DROP CONSTRAINT customers_email_key; ALTER TABLE customers ADD CONSTRAINT customers_email_key UNIQUE (%s);"
	for columns, want := range map[string]bool{"email, note": true, "note": true, "email": false} {
		notes := strings.Join(sketchRelease(t, repository(t, base, fmt.Sprintf(swap, columns))).Notes, "\n")
		if strings.Contains(notes, "customers_email_key of customers is still on email alone") != want {
			t.Errorf("UNIQUE (%s): the notes are %q", columns, notes)
		}
	}
	const deployed = "CREATE TABLE seen (id bigint PRIMARY KEY, a int, b int, c int);\nCREATE UNIQUE INDEX seen_once ON seen (a, lower(b::text)) WHERE c > 0;"
	for create, want := range map[string]bool{
		"CREATE UNIQUE INDEX seen_once ON seen (a, b, c);": true, "": true, "CREATE UNIQUE INDEX twice ON seen (a);": false,
		"CREATE UNIQUE INDEX twice ON seen (a) WHERE b > 0;": true,
	} {
		notes := strings.Join(sketchRelease(t, repository(t, deployed, "DROP INDEX seen_once; "+create)).Notes, "\n")
		if strings.Contains(notes, "seen_once of seen is still on a, an expression alone") != want {
			t.Errorf("%s: the notes are %q", create, notes)
		}
	}
}

// A trigger computes new columns of what the deployed code writes before, during and after the backfill. It leaves what new code writes.
func TestFollowedColumns(t *testing.T) {
	t.Parallel()
	const deployed = "CREATE TABLE t (id bigint PRIMARY KEY, a text, n int);"
	p := sketchRelease(t, repository(t, deployed, "ALTER TABLE t ADD COLUMN b text, ADD COLUMN twice bigint; "+
		"UPDATE t SET b = upper(t.a) || '!', twice = n * 2 WHERE a <> 'skip' AND b IS NULL; ALTER TABLE t ALTER COLUMN b SET NOT NULL; ALTER TABLE t DROP COLUMN a;"))
	if len(p.Proof.Missing) > 0 {
		t.Fatalf("it is refused:\n%s", told(p))
	}
	conn := pgservertest.Connect(t, pgservertest.Database(t, 17))
	pgservertest.Exec(t, conn, deployed, "INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3), (4, 'd', 4), (5, 'e', 5), (8, 'skip', 8)")
	for i, s := range p.Steps[:p.Contract()] {
		if s.Repeat && !p.Steps[i-1].Repeat {
			pgservertest.Exec(t, conn, "UPDATE t SET a = 'early' WHERE id = 1", "UPDATE t SET id = -2 WHERE id = 2")
		}
		for range 3 { // a backfill of few rows has ended then
			if pgservertest.Exec(t, conn, s.SQL); !s.Repeat {
				break
			}
		}
	}
	pgservertest.Exec(t, conn, "UPDATE t SET a = 'late' WHERE id = 3", "INSERT INTO t (id, a, n) VALUES (6, 'more', 6)", "DELETE FROM t WHERE id = 5",
		"UPDATE t SET b = 'new' WHERE id = 4", "UPDATE t SET a = 'deployed' WHERE id = 4", "INSERT INTO t (id, b, n) VALUES (7, 'mine', 7)")
	pgservertest.Exec(t, conn, "DELETE FROM t WHERE id = 8")
	for _, s := range p.Steps[p.Contract():] {
		pgservertest.Exec(t, conn, s.SQL)
	}
	const want = "-2 B! 4, 1 EARLY! 2, 3 LATE! 6, 4 new 8, 6 MORE! 12, 7 mine "
	var got string
	if err := conn.QueryRow(t.Context(), "SELECT string_agg(concat(id, ' ', b, ' ', twice), ', ' ORDER BY id) FROM t").Scan(&got); err != nil || got != want {
		t.Errorf("the rows are %q, want %q: %v\n%s", got, want, err, told(p))
	}
}

// A function or a view that the deployed code uses is replaced after the backfill of the columns that its text names.
func TestReplacedBodies(t *testing.T) {
	t.Parallel()
	const begin, end = "-- +goose StatementBegin\n", "\n-- +goose StatementEnd\n"
	function := func(name, body string) string {
		return begin + "CREATE OR REPLACE FUNCTION " + name + " AS $$ " + body + " $$;" + end
	}
	deployed := "CREATE TABLE seen (id bigint PRIMARY KEY, a text, b int);\nCREATE VIEW looks AS SELECT id, a FROM seen;\nCREATE TABLE log (what text);\n" +
		function("label(k bigint) RETURNS text LANGUAGE sql", "SELECT a FROM seen WHERE id = k") +
		function("note() RETURNS trigger LANGUAGE plpgsql", "BEGIN RETURN NEW; END") +
		"CREATE TRIGGER note BEFORE INSERT OR UPDATE ON seen FOR EACH ROW EXECUTE FUNCTION note();"
	const add, fill = "ALTER TABLE seen ADD COLUMN c text;\n", "UPDATE seen SET c = upper(a);\n"
	for name, c := range map[string]struct{ release, late, missing string }{
		"a function": {add + fill + function("label(k bigint) RETURNS text LANGUAGE sql", "SELECT c FROM seen WHERE id = k"), "FUNCTION label", ""},
		"a view":     {add + fill + "CREATE OR REPLACE VIEW looks AS SELECT id, c AS a FROM seen;", "VIEW looks", ""},
		"a view of another": {add + fill + "CREATE OR REPLACE VIEW looks AS SELECT id, a, c FROM seen;" +
			function("label(k bigint) RETURNS text LANGUAGE sql", "SELECT x.a FROM looks AS x"), "FUNCTION label", ""},
		"dropped and made": {add + fill + "DROP FUNCTION label(bigint);" + strings.Replace(function("label(k bigint) RETURNS text LANGUAGE sql",
			"SELECT c FROM seen WHERE id = k"), " OR REPLACE", "", 1), "FUNCTION label", ""},
		"a renamed column": {"ALTER TABLE seen RENAME COLUMN b TO d;\n" +
			function("label(k bigint) RETURNS text LANGUAGE sql", "SELECT d::text FROM seen WHERE id = k"),
			"FUNCTION label", ""},
		"a trigger reads": {add + fill +
			function("note() RETURNS trigger LANGUAGE plpgsql", "BEGIN INSERT INTO log VALUES (NEW.c); RETURN NEW; END"), "FUNCTION note", ""},
		"a trigger fills it": {add + function("note() RETURNS trigger LANGUAGE plpgsql", "BEGIN NEW.c := upper(NEW.a); RETURN NEW; END") + fill, "", ""},
		"before the fill":    {add + function("label(k bigint) RETURNS text LANGUAGE sql", "SELECT c FROM seen WHERE id = k") + fill, "", "Put it after that"},
		"another column":     {add + fill + function("label(k bigint) RETURNS text LANGUAGE sql", "SELECT upper(a) FROM seen WHERE id = k"), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := sketchRelease(t, repository(t, deployed, c.release))
			missing := strings.Join(p.Proof.Missing, "\n")
			if c.missing == "" && missing != "" || !strings.Contains(missing, c.missing) {
				t.Errorf("missing is %q, want %q", missing, c.missing)
			}
			isFilled, late := false, ""
			for _, s := range p.Steps[:p.Contract()] {
				isFilled = isFilled || s.Repeat
				if isFilled && strings.Contains(s.SQL, " OR REPLACE ") {
					late += s.SQL
				}
			}
			if !strings.Contains(late, c.late) || c.late == "" && late != "" {
				t.Errorf("after the backfill, want %q:\n%s", c.late, told(p))
			}
		})
	}
}
