package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/onward"
)

// TestRowsInBatches plans statements that write many rows. The proof compares the rows with the release's own.
func TestRowsInBatches(t *testing.T) {
	t.Parallel()
	const base = `
CREATE TABLE users (id bigint PRIMARY KEY, email text, name text);
CREATE TABLE orders (region int, number int, user_id bigint REFERENCES users ON DELETE CASCADE, status text, note text, PRIMARY KEY (region, number));
CREATE TABLE archive (region int, number int, note text, PRIMARY KEY (region, number));
CREATE TABLE keyless (a int, b text);
CREATE TABLE batch (id bigint PRIMARY KEY, label text);
CREATE TABLE tree (id bigint PRIMARY KEY, up bigint REFERENCES tree, note text);
CREATE TABLE ranks (nr bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text);
`
	cases := map[string]struct {
		release string
		// work is part of the backfill's SQL; "" if nothing becomes a backfill.
		work string
		// missing is why the plan is not proven; "" if it is.
		missing string
	}{
		"delete": {
			release: "DELETE FROM orders WHERE status < 'n' OR note IS NULL;",
			work:    "WHERE (status < 'n' OR note IS NULL) AND (orders.region, orders.number) IN (SELECT onward_key1, onward_key2 FROM batch)",
		},
		"delete with an alias":  {release: "DELETE FROM ONLY orders AS o WHERE o.status < 'n';", work: "AND (o.region, o.number) IN ("},
		"delete with a comment": {release: "DELETE FROM orders WHERE status < 'n' -- the old ones\n;", work: "AND (orders.region, orders.number) IN ("},
		"delete using": {
			release: "DELETE FROM orders USING users u WHERE u.id = user_id AND u.name < 'n';",
			work:    "DELETE FROM orders USING users u WHERE (u.id",
		},
		"delete in a subquery": {
			release: "DELETE FROM users WHERE id NOT IN (SELECT user_id FROM orders WHERE user_id IS NOT NULL);",
			work:    "AND users.id IN (",
		},
		"update from": {
			release: "UPDATE orders SET note = u.name FROM users AS u WHERE u.id = orders.user_id;",
			work:    "UPDATE orders SET note = u.name FROM users AS u",
		},
		"update with an alias": {release: "UPDATE orders o SET note = o.status WHERE o.note IS NULL;", work: "UPDATE orders o SET note"},
		"copy": {
			release: "INSERT INTO archive SELECT region, number, note FROM orders;",
			work:    "FROM orders WHERE (orders.region, orders.number) IN (",
		},
		"copy without conflicts": {
			release: "INSERT INTO archive SELECT region, number, note FROM orders ON CONFLICT DO NOTHING;",
			work:    "FROM batch) ON CONFLICT DO NOTHING",
		},
		"update from a WITH query": {
			release: "WITH last AS (SELECT user_id, max(status) AS status FROM orders GROUP BY user_id)\n" +
				"UPDATE users SET name = last.status FROM last WHERE last.user_id = users.id;",
			work: "FROM last WHERE (last.user_id = users.id) AND users.id IN (",
		},
		"copy of joined rows": {
			release: "INSERT INTO archive SELECT o.region, o.number, u.name FROM orders o LEFT JOIN users u ON u.id = o.user_id;",
			work:    "ON u.id = o.user_id WHERE (o.region, o.number) IN (",
		},
		"copy of rows and a WITH query": {
			release: "INSERT INTO archive WITH known AS (SELECT max(name) AS name FROM users) " +
				"SELECT o.region, o.number, known.name FROM orders o, known;",
			work: "FROM orders o, known WHERE (o.region, o.number) IN (",
		},
		"copy of some rows": {release: "INSERT INTO archive SELECT region, number, note FROM orders WHERE status < 'n';"},
		"copy of the other side of a join": {
			release: "INSERT INTO archive SELECT coalesce(o.region, 0), coalesce(o.number, u.id::int), u.name FROM orders o RIGHT JOIN users u ON u.id = o.user_id;",
			work:    "INSERT INTO archive SELECT t.onward_value1, t.onward_value2, t.onward_value3 FROM onward.archive_rows_values AS t, batch WHERE ",
		},
		"WITH a query that writes": {
			release: "WITH gone AS (DELETE FROM keyless RETURNING a) UPDATE users SET name = 'x' FROM gone WHERE gone.a = users.id;",
			missing: "writes many rows of users",
		},
		"a table has the batch's name": {
			release: "UPDATE users SET name = batch.label FROM batch WHERE batch.id = users.id;",
			missing: "writes many rows of users",
		},
		"delete, then a constraint": {
			release: "DELETE FROM orders WHERE note IS NULL; ALTER TABLE orders ALTER COLUMN note SET NOT NULL;",
			work:    "DELETE FROM orders WHERE (note IS NULL)",
		},
		"a loop that deletes": {
			release: "-- +goose StatementBegin\nDO $$ DECLARE r record; BEGIN FOR r IN WITH gone AS (DELETE FROM orders WHERE status < 'n' RETURNING region) " +
				"SELECT * FROM gone LOOP RAISE NOTICE '%', r.region; END LOOP; END $$;\n-- +goose StatementEnd\n",
			missing: "writes many rows in one transaction",
		},
		"one row": {release: "UPDATE orders SET note = 'x' WHERE region = 1 AND number = 2; DELETE FROM users WHERE id = 5;"},
		"sums": {
			release: "INSERT INTO archive SELECT region, min(number), 'x' FROM orders GROUP BY region;",
			work:    "FROM onward.archive_rows_values AS t, batch WHERE t.onward_key1 = batch.onward_key1 ORDER BY t.onward_key1",
		},
		"sums, some columns": {
			release: "WITH last AS (SELECT region, max(number) AS number FROM orders GROUP BY region) -- one\n" +
				"INSERT INTO archive AS a (number, region) SELECT DISTINCT number, region FROM last -- all\n" +
				"ON CONFLICT (region, number) DO UPDATE SET note = a.note || 'x' -- again\n;",
			work: "INSERT INTO archive AS a (number, region) SELECT t.onward_value1, t.onward_value2 FROM",
		},
		"two queries": {
			release: "INSERT INTO archive (region, number) SELECT region, number FROM orders UNION SELECT number, region FROM orders;",
			work:    "INSERT INTO archive (region, number) SELECT t.onward_value1",
		},
		"numbered in order": {
			release: "INSERT INTO ranks (note) SELECT DISTINCT note FROM orders ORDER BY note;",
			work:    "INSERT INTO ranks (note) SELECT t.onward_value1 FROM",
		},
		"reads what it writes": {
			release: "DELETE FROM users a USING users b WHERE a.id > b.id AND a.email = b.email;",
			work: "DELETE FROM users AS onward_row USING batch, onward.users_rows_values AS t WHERE t.onward_key1 = batch.onward_key1 " +
				"AND onward_row.id = t.onward_key1 AND onward_row.xmin = t.onward_version",
		},
		"doubles, then a unique index": {
			release: "WITH ranked AS (SELECT id, row_number() OVER (PARTITION BY email ORDER BY name, id) AS nr FROM users)\n" +
				"DELETE FROM users WHERE id IN (SELECT id FROM ranked WHERE nr > 1); CREATE UNIQUE INDEX users_email ON users (email);",
			work: "DELETE FROM users AS onward_row USING batch",
		},
		"all that occur twice": {
			release: "DELETE FROM orders AS o WHERE (SELECT count(*) FROM orders WHERE status = o.status) > 1 -- not one by one\n;",
			work:    "DELETE FROM orders AS onward_row USING batch",
		},
		"update reads what it sets": {
			release: "UPDATE orders SET note = (SELECT max(note) FROM orders);",
			work:    "SET note = t.onward_value1",
		},
		"rows are numbered": {
			release: "WITH ordered AS (SELECT id, row_number() OVER (PARTITION BY up ORDER BY note, id) AS nr FROM tree) -- in order\n" +
				"UPDATE tree SET note = o.nr FROM ordered o WHERE tree.id = o.id;",
			work: "FROM batch, onward.tree_note_values AS t WHERE t.onward_key1 = batch.onward_key1 AND onward_row.id = t.onward_key1 AND onward_row.note IS NOT " +
				"DISTINCT FROM t.onward_old1",
		},
		"several columns, of some rows": {
			release: "UPDATE orders AS o SET status = concat_ws(',', o.status, 'a, FROM b'), note = (o.note IS NOT DISTINCT FROM last.note)::text -- both\n" +
				"FROM (SELECT region, max(note) AS note FROM orders GROUP BY region) AS last WHERE last.region = o.region AND o.note > 'a' -- some\n;",
			work: "SET status = t.onward_value1, note = t.onward_value2",
		},
		"several values for a row": {
			release: "UPDATE orders SET note = 'x' FROM orders AS other WHERE other.region = orders.region;",
			work:    "SET note = t.onward_value1",
		},
		"a unique column is read and set": {
			release: "CREATE UNIQUE INDEX ON users (email); UPDATE users SET email = (SELECT max(email) FROM users) || id;",
			missing: "writes many rows of users",
		},
		"a column decides what is unique": {
			release: "CREATE UNIQUE INDEX ON users (email) WHERE name = 'x'; UPDATE users SET name = (SELECT max(name) FROM users);",
			missing: "writes many rows of users",
		},
		"several columns at once": {
			release: "UPDATE orders SET (status, note) = (SELECT max(status), max(note) FROM orders);", missing: "writes many rows of orders",
		},
		"delete in a tree": {release: "DELETE FROM tree WHERE note < 'n';", missing: "writes many rows of tree"},
		"copy into a tree": {release: "INSERT INTO tree SELECT id + 5000, NULL, name FROM users;", missing: "writes many rows of tree"},
		"no key":           {release: "DELETE FROM keyless WHERE a > 5;", missing: "keyless has no primary key"},
		"returning":        {release: "DELETE FROM orders WHERE status < 'n' RETURNING note;", missing: "writes many rows of orders"},
		"the second of two is alike": {
			release: "UPDATE orders SET note = upper(note) WHERE note > 'a'; UPDATE orders SET status = upper(status) WHERE status > 'a';",
			work:    "UPDATE orders AS t SET status = upper(status)",
		},
	}
	for _, name := range rotation.Pick(t, 3, sortedNames(cases)) {
		tc := cases[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := planned(t, base, tc.release, 17, nil, true)
			var work []string
			for _, s := range p.Steps {
				if s.Repeat {
					work = append(work, s.Backfill.Work)
				}
				if copies := strings.Contains(s.SQL, "INTO archive"); s.Class == onward.StepDDL && (copies || strings.Contains(tc.missing, "many rows")) && !s.Bookkeeping {
					t.Errorf("%s would be rolled back after some seconds", s.ID)
				}
			}
			if all := strings.Join(work, "\n"); !strings.Contains(all, tc.work) || tc.work == "" && all != "" {
				t.Errorf("backfills: %s\n%s", all, told(p))
			}
			if missingText := strings.Join(p.Proof.Missing, "\n"); !strings.Contains(missingText, tc.missing) || p.Proof.Proven != (tc.missing == "") {
				t.Errorf("proven %t, missing: %s\n%s", p.Proof.Proven, missingText, told(p))
			}
		})
	}
}

// sortedNames lists the names of cases, in the same order each time.
func sortedNames[V any](cases map[string]V) []string {
	var names []string
	for name := range cases {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
