package capture

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/internal/wire/ordered"
	"github.com/onward-sql/onward/onward"
)

// segments returns what migrations sent, of statements that one client sent: the number of the transaction, a blank, and SQL.
func segments(files []string, list ...string) string {
	var sent []*ordered.Statement
	for _, text := range list {
		st := &ordered.Statement{Session: 1, Message: true}
		number, sql, _ := strings.Cut(text, " ")
		st.Transaction, st.SQL = int(number[0]-'0'), sql
		sent = append(sent, st)
	}
	var b strings.Builder
	tables := map[string]bool{"schema_migrations": true, "alembic_version": true, "_prisma_migrations": true, "migrations": true, "django_migrations": true}
	for i, s := range newBooks(tables, files, sent).cutSegments(sent) {
		fmt.Fprintf(&b, "%s:", s.segmentName(i))
		for _, st := range s.Statements {
			fmt.Fprintf(&b, " %s;", st.SQL)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// How tools record their migrations.
func TestSegments(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files, list []string
		want        string
	}{
		"a row after each (Rails)": {
			list: []string{
				"0 SELECT pg_try_advisory_lock(1)", `0 SELECT "schema_migrations"."version" FROM "schema_migrations"`, "0 SET lock_timeout = '5s'",
				"1 CREATE TABLE a ()", `1 INSERT INTO "schema_migrations" ("version") VALUES ('20240101')`,
				"2 CREATE TABLE b ()", "2 SELECT c.relname FROM pg_class c", `2 INSERT INTO "schema_migrations" ("version") VALUES ('20240102')`,
				`0 UPDATE "ar_internal_metadata" SET "value" = 'x'`,
			},
			want: "20240101: SET lock_timeout = '5s'; CREATE TABLE a ();\n20240102: CREATE TABLE b ();\n",
		},
		"one row that changes (Alembic)": {
			list: []string{
				"1 CREATE TABLE alembic_version (version_num varchar(32))", "1 CREATE TABLE a ()", "1 INSERT INTO alembic_version (version_num) VALUES ('a1')",
				"1 CREATE TABLE b ()", "1 UPDATE alembic_version SET version_num='b2' WHERE alembic_version.version_num = 'a1'",
			},
			want: "a1: CREATE TABLE a ();\nb2: CREATE TABLE b ();\n",
		},
		"a row before and after (golang-migrate)": {
			list: []string{
				"1 TRUNCATE schema_migrations", "1 INSERT INTO schema_migrations (version, dirty) VALUES (20240101000000, true)", "0 CREATE TABLE a ()",
				"2 TRUNCATE schema_migrations", "2 INSERT INTO schema_migrations (version, dirty) VALUES (20240101000000, false)",
			},
			want: "20240101000000: CREATE TABLE a ();\n",
		},
		"a row that is found by another value (Prisma)": {
			list: []string{
				"0 INSERT INTO _prisma_migrations (id, migration_name) VALUES ('7f3a0a70-6a5b', '1_init')", "0 CREATE TABLE a ()",
				"0 UPDATE _prisma_migrations SET finished_at = now() WHERE id = '7f3a0a70-6a5b'",
				"0 INSERT INTO _prisma_migrations (id, migration_name) VALUES ('8f3a0a70-6a5b', '2_next')", "0 CREATE TABLE b ()",
				"0 UPDATE _prisma_migrations SET finished_at = now() WHERE id = '8f3a0a70-6a5b'",
			},
			want: "1_init: CREATE TABLE a ();\n2_next: CREATE TABLE b ();\n",
		},
		"a row only before": {
			files: []string{"db/01_a.js", "db/02_b.js"},
			list:  []string{"0 INSERT INTO done VALUES ('01_a')", "0 CREATE TABLE a ()", "0 INSERT INTO done VALUES ('02_b')", "0 CREATE TABLE b ()"},
			want:  "01_a: CREATE TABLE a ();\n02_b: CREATE TABLE b ();\n",
		},
		"two columns (Django)": {
			list: []string{"1 CREATE TABLE a ()", "1 INSERT INTO django_migrations (app, name, applied) VALUES ('shop', '0001_initial', '2024-01-01'::timestamptz)"},
			want: "shop.0001_initial: CREATE TABLE a ();\n",
		},
		"an empty one, and work afterwards (TypeORM)": {
			list: []string{
				`1 INSERT INTO "migrations"("timestamp", "name") VALUES (1700000000000, 'A1700000000000')`,
				"1 CREATE TABLE b ()", `1 INSERT INTO "migrations"("timestamp", "name") VALUES (1700000000001, 'B1700000000001')`, "0 SELECT create_hypertable('b')",
			},
			want: "A1700000000000:\nB1700000000001: CREATE TABLE b ();\nafter B1700000000001: SELECT create_hypertable('b');\n",
		},
		"a table of the team's own": {
			files: []string{"db/001_a.sql", "db/002_b.sql"},
			list: []string{
				"0 CREATE TABLE IF NOT EXISTS done (file text)", "1 CREATE TABLE a ()", "1 INSERT INTO done VALUES ('001_a.sql', now())",
				"2 CREATE TABLE b ()", "2 INSERT INTO done SELECT '002_b'",
			},
			want: "001_a.sql: CREATE TABLE a ();\n002_b: CREATE TABLE b ();\n",
		},
		"values that are called like files": {
			files: []string{"db/admin.sql", "db/1.sql", "db/2024.sql"},
			list:  []string{"1 INSERT INTO roles VALUES ('admin')", "1 INSERT INTO years VALUES (2024), (1)", "1 DROP TABLE roles"},
			want:  "transaction 1: INSERT INTO roles VALUES ('admin'); INSERT INTO years VALUES (2024), (1); DROP TABLE roles;\n",
		},
		"a lock (Kysely)": {
			files: []string{"db/01_a.js"},
			list: []string{
				"0 CREATE TABLE done (name text)", "0 CREATE TABLE done_lock (id text)", "0 INSERT INTO done_lock VALUES ('migration_lock')",
				"1 CREATE TABLE a ()", "1 INSERT INTO done (name) VALUES ('01_a')",
			},
			want: "01_a: CREATE TABLE a ();\n",
		},
		"no table": {
			list: []string{"1 CREATE TABLE a ()", "1 CREATE TABLE b ()", "0 CREATE INDEX ON a ((1))", "0 CREATE INDEX ON b ((1))", "2 DROP TABLE a"},
			want: "transaction 1: CREATE TABLE a (); CREATE TABLE b ();\n" +
				"transaction 2: CREATE INDEX ON a ((1)); CREATE INDEX ON b ((1));\ntransaction 3: DROP TABLE a;\n",
		},
		"text that is no SQL": {list: []string{"0 CREATE TABEL a", "0 ;"}, want: "transaction 1: CREATE TABEL a;\n"},
	} {
		if diff := cmp.Diff(tc.want, segments(tc.files, tc.list...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A hostile file of 5 MB whose statements are all sent, and found in it.
func TestConvertLargeFile(t *testing.T) {
	t.Parallel()
	s := &Segment{ID: "1_x.sql"}
	var text strings.Builder
	for i := range 40_000 {
		sql := fmt.Sprintf("CREATE TABLE t%d (%s int)", i, strings.Repeat("x", 100))
		s.Statements = append(s.Statements, &ordered.Statement{SQL: sql, Sent: sql})
		text.WriteString(sql + ";\n")
	}
	_, tree := project(t, map[string]string{"db/1_x.sql": text.String()})
	known := &adapter.Migration{ID: "1_x", Path: "db/1_x.sql"}
	for _, st := range s.Statements {
		known.Source.Parts = append(known.Source.Parts, script.Part{SQL: st.SQL, Line: 1, Start: -1})
	}
	c := &converter{
		books: newBooks(nil, nil, s.Statements), files: listMigrationFiles(tree, "db"), source: source, left: maxSearched,
		known: map[string]*adapter.Migration{known.Path: known},
	}
	began := time.Now()
	m := c.convertSegments([]*Segment{s}, 0)[0]
	t.Logf("%d statements of %d MB in %v", len(m.Source.Parts), text.Len()>>20, time.Since(began))
	if len(m.Source.Parts) != 40_000 || m.ID != "1_x" || time.Since(began) > 30*time.Second {
		t.Errorf("%d parts of %s in %v", len(m.Source.Parts), m.ID, time.Since(began))
	}
}

// A hostile run: many statements of all kinds are cut in time.
func TestSegmentsOfMany(t *testing.T) {
	t.Parallel()
	var list []*ordered.Statement
	var files []string
	for i := range 40_000 {
		list = append(list,
			&ordered.Statement{SQL: fmt.Sprintf("INSERT INTO t%d VALUES ('%s')", i%7, strings.Repeat("x", 100))},
			&ordered.Statement{SQL: fmt.Sprintf("INSERT INTO schema_migrations VALUES ('%d')", i)})
		files = append(files, fmt.Sprintf("db/%d_x.sql", i))
	}
	began := time.Now()
	b := newBooks(map[string]bool{"schema_migrations": true}, files, list)
	n := len(b.cutSegments(list))
	t.Logf("%d segments of 8 MB in %v", n, time.Since(began))
	if n != 40_000 || time.Since(began) > 30*time.Second {
		t.Errorf("%d segments in %v", n, time.Since(began))
	}
}

// TestUnmatched reports statements of a program that ran zero times.
func TestUnmatched(t *testing.T) {
	t.Parallel()
	_, tree := project(t, map[string]string{"db/9_x.js": "// code"})
	s := &Segment{ID: "9_x.js"}
	for _, text := range [][2]string{
		{"SELECT 0", "SELECT id FROM users"}, {"UPDATE 0", "UPDATE users SET a = 1"}, {"DELETE 0", "DELETE FROM users"},
		{"INSERT 0 0", "INSERT INTO a SELECT 1 WHERE false"},
		{"SELECT 2", "SELECT id FROM teams"}, {"UPDATE 1", "UPDATE teams SET a = 1"},
	} {
		s.Statements = append(s.Statements, &ordered.Statement{SQL: text[1], Tags: []string{text[0]}})
	}
	c := &converter{books: newBooks(nil, nil, nil), files: listMigrationFiles(tree, "db"), source: source, left: maxSearched}
	var got []string
	s.Statements = append(s.Statements, &ordered.Statement{SQL: "CREATE INDEX ON teams (id)"})
	m := c.convertSegments([]*Segment{s}, 0)[0]
	for i, p := range m.Source.Parts {
		if isIndex := i == len(m.Source.Parts)-1; p.OfRows == isIndex {
			t.Errorf("%s: depends on rows: %v", p.SQL, p.OfRows)
		}
	}
	for _, o := range m.Opaque {
		got = append(got, o.What+": "+o.Why)
	}
	want := []string{
		"migration 9_x.js: 3 of its statements changed no row on empty tables; they are judged, and code that depends on their result is not",
		"SELECT id FROM users: the query found no row on empty tables; what the migration does with rows is not known",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Settings of the session do not hide that a migration, or several, ran in one transaction.
func TestTransactionsOfRun(t *testing.T) {
	t.Parallel()
	statement := func(number int, sql string) *ordered.Statement {
		return &ordered.Statement{Transaction: number, SQL: sql}
	}
	first := &Segment{ID: "1", Statements: []*ordered.Statement{statement(0, "SET lock_timeout = '5s'"), statement(1, "CREATE TABLE a ()")}}
	second := &Segment{ID: "2", Statements: []*ordered.Statement{statement(1, "CREATE TABLE b ()"), statement(1, "SET LOCAL lock_timeout = '1s'")}}
	third := &Segment{ID: "3", Statements: []*ordered.Statement{statement(0, "CREATE INDEX CONCURRENTLY ON a ((1))")}}
	b := newBooks(nil, nil, nil)
	for _, tc := range []struct {
		of   *Segment
		want onward.Transaction
	}{{first, onward.TransactionFile}, {second, onward.TransactionFile}, {third, onward.TransactionNone}} {
		if got := b.transactionMode(tc.of.Statements); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.of.ID, got, tc.want)
		}
	}
	if !b.ranInOneTransaction([]*Segment{first, second}) || b.ranInOneTransaction([]*Segment{first, second, third}) || b.ranInOneTransaction([]*Segment{first}) {
		t.Error("the first two ran in one transaction")
	}
}

// A tool that sends the same after each run, and runs a changed migration again: only what is new counts.
func TestSetsOfRun(t *testing.T) {
	t.Parallel()
	send := func(list ...string) (r Result) {
		for _, sql := range list {
			r.Statements = append(r.Statements, &ordered.Statement{Session: 1, Sent: sql, SQL: sql, Message: true})
		}
		return r
	}
	const usual, row = "REFRESH MATERIALIZED VIEW v", "INSERT INTO schema_migrations VALUES "
	_, baseTree := project(t, map[string]string{"db/V1__a.sql": "CREATE TABLE a ()", "db/R__v.sql": "CREATE VIEW old"})
	_, headTree := project(t, map[string]string{"db/V1__a.sql": "CREATE TABLE a ()", "db/R__v.sql": "CREATE VIEW new", "db/V2__b.sql": "CREATE TABLE b ()"})
	base := send("CREATE TABLE a ()", row+"('V1__a.sql')", "CREATE VIEW v AS SELECT 1", row+"('R__v.sql')", usual)
	c := &Config{Command: "flyway", HistoryTables: map[string]bool{"schema_migrations": true}}
	for name, tc := range map[string]struct {
		head Result
		want []string
	}{
		"nothing is new": {send("SELECT version FROM schema_migrations", usual), []string{"V1__a.sql", "R__v.sql", "after R__v.sql"}},
		"a new one, and an old one again": {
			send("CREATE TABLE b ()", row+"('V2__b.sql')", "CREATE VIEW v AS SELECT 2", row+"('R__v.sql')", usual, "ANALYZE b"),
			[]string{"V1__a.sql", "R__v.sql again: CREATE VIEW v AS SELECT 2", "after R__v.sql again: ANALYZE b", "V2__b.sql"},
		},
	} {
		r := &Run{Base: base, Head: tc.head}
		_, head := c.Sets(r, &Revision{Tree: baseTree, Source: source}, Revision{Tree: headTree, Source: source})
		var got []string
		for _, m := range head.Migrations {
			text := m.ID
			if m.Repeatable {
				text += " again:"
				for _, p := range m.Source.Parts {
					text += " " + p.SQL
				}
			}
			got = append(got, text)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
