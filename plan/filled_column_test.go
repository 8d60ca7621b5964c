package plan_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// sales has tables that no shadow can be made of.
const sales = `CREATE SCHEMA tools;
CREATE FUNCTION tools.short(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT left($1, 3) $$;
SET search_path = public, tools;
CREATE TABLE sales (id bigint PRIMARY KEY, price numeric, "Was" text COLLATE "C", other text);
CREATE VIEW seen AS SELECT id FROM sales;
CREATE TABLE years (id bigint NOT NULL, year integer NOT NULL, price numeric, "Was" text, other text, PRIMARY KEY (id, year)) PARTITION BY RANGE (year);
CREATE TABLE years_1 PARTITION OF years FOR VALUES FROM (0) TO (1000);
CREATE TABLE years_2 PARTITION OF years FOR VALUES FROM (1000) TO (9000) PARTITION BY RANGE (id);
CREATE TABLE years_2_all PARTITION OF years_2 DEFAULT;
CREATE TABLE marks (mark text PRIMARY KEY);
CREATE TABLE trees (id bigint PRIMARY KEY, price numeric);
CREATE TABLE oaks () INHERITS (trees);
`

// If no shadow table is possible, the plan says why, and what it does instead.
var filledColumns = []change{
	{"a view", `ALTER TABLE sales ADD COLUMN twice numeric(9,2) GENERATED ALWAYS AS (price * 2) STORED;`, 17,
		[]string{
			"seen reads sales", "ADD COLUMN twice numeric(9,2);\n", "NEW.twice := (NEW.price * 2)",
			"WHEN (pg_catalog.record_image_ne(ROW(NEW.twice, NEW.price), ROW(OLD.twice, OLD.price)) OR NEW.twice IS NOT DISTINCT FROM NULL)", "compute sales.twice in the rows",
			"overwritten and not refused (428C9, before 14 42601)",
		}, "twice of sales becomes a plain column that a trigger fills"},
	{"partitioned", `ALTER TABLE years ADD COLUMN mark text COLLATE "C" GENERATED ALWAYS AS (short("Was") || tableoid::int % 1) STORED NOT NULL CHECK (mark <> '') REFERENCES marks;`, 17,
		[]string{
			"years is partitioned", "NEW.mark := (short(NEW.\"Was\") || TG_RELID::int % 1)",
			"years VALIDATE CONSTRAINT years_mark_check", "BEFORE INSERT ON years", "mark IS NOT NULL",
			"a condition of mark is not copied",
		}, "mark of years becomes a plain column"},
	{
		"children", `ALTER TABLE trees ADD COLUMN twice numeric GENERATED ALWAYS AS (price * 2) STORED;`, 17,
		[]string{"GENERATED ALWAYS AS (price * 2) STORED;"}, "which is not planned, because trees has children",
	},
	{
		"a name that changes",
		`ALTER TABLE sales ADD COLUMN twice numeric GENERATED ALWAYS AS (price * 2) STORED; ALTER TABLE sales RENAME COLUMN price TO cost;`,
		17, []string{"GENERATED ALWAYS AS (price * 2) STORED;"},
		"which is not planned, because the release gives a column that it is made of another name",
	},
	{
		"another expression",
		`ALTER TABLE sales ADD COLUMN twice numeric GENERATED ALWAYS AS (price * 2) STORED; ALTER TABLE sales ALTER COLUMN twice SET EXPRESSION AS (price * 3);`,
		17, nil, "which is not planned, because the release adds it and changes it",
	},
}

func TestFilledColumns(t *testing.T) {
	t.Parallel()
	proven(t, sales, filledColumns)
}

// The trigger and the backfill give a column the same values as the server gives a generated column, whoever writes,
// between any two steps.
func TestFilledAlike(t *testing.T) {
	t.Parallel()
	const add = `ADD COLUMN mark varchar(20) GENERATED ALWAYS AS (upper(short("Was")) || price || (tableoid <> 0)) STORED;`
	for _, table := range []string{"sales", "years"} {
		for _, major := range []int{13, 18} {
			t.Run(fmt.Sprintf("%s %d", table, major), func(t *testing.T) {
				t.Parallel()
				release := "ALTER TABLE " + table + " " + add
				p := planOf(t, sales, &change{"", release, major, nil, "x"}, true)
				releasedConn, plannedConn := pgservertest.Connect(t, pgservertest.Database(t, major)), pgservertest.Connect(t, pgservertest.Database(t, major))
				for _, conn := range []*pgx.Conn{releasedConn, plannedConn} {
					pgservertest.Exec(t, conn, sales, strings.ReplaceAll(rowsOf[table], "{n}", "generate_series(1, 1500)"))
				}
				pgservertest.Exec(t, releasedConn, release)
				w := filledWriter{t: t, table: table, conns: []*pgx.Conn{releasedConn, plannedConn}, refused: "428C9"}
				if major < 14 {
					w.refused = "42601"
				}
				for i := range p.Steps {
					s := &p.Steps[i]
					for n := 1; n > 0; {
						w.writes(i)
						if s.Repeat {
							if err := plannedConn.QueryRow(t.Context(), s.SQL).Scan(&n); err != nil {
								t.Fatal(err)
							}
							continue
						}
						pgservertest.Exec(t, plannedConn, s.SQL)
						n = 0
					}
				}
				w.writes(len(p.Steps))
				w.alike()
				w.overwritten()
				w.replaced(p, release)
			})
		}
	}
}

var rowsOf = map[string]string{
	"sales": `INSERT INTO sales SELECT n, n * 1.50, 'äbc' || n, 'o' FROM {n} AS n`,
	"years": `INSERT INTO years SELECT n, n, n * 1.50, 'äbc' || n, 'o' FROM {n} AS n`,
}

// filledWriter writes the same to a table with a generated column, and to one with the plan's.
type filledWriter struct {
	t     *testing.T
	table string
	conns []*pgx.Conn
	last  int
	// refused is what the server says to who writes a generated column.
	refused string
}

// both has both sessions run a text.
func (w *filledWriter) both(sql string) {
	w.t.Helper()
	for _, conn := range w.conns {
		pgservertest.Exec(w.t, conn, strings.ReplaceAll(sql, "{t}", w.table))
	}
}

// writes does what code does, old and new; it neither names the column nor counts on who looks for functions where.
func (w *filledWriter) writes(step int) {
	w.t.Helper()
	w.last++
	n, columns := 2000+w.last*10, "id, price, \"Was\", other"
	values := `%d, 3, 'eins', 'x'`
	if w.table == "years" {
		columns, values = "year, "+columns, "7, "+values
	}
	row := func(id int) string { return fmt.Sprintf("INSERT INTO {t} ("+columns+") VALUES ("+values+")", id) }
	w.both("SET search_path = public")
	w.both(row(n) + "; " + row(n+1) + "; " + row(n+2))
	w.both(fmt.Sprintf(`UPDATE {t} SET price = price + 1 WHERE id %% 7 = %d`, step%7))
	w.both(fmt.Sprintf(`UPDATE {t} SET "Was" = NULL WHERE id = %d`, n))
	w.both(fmt.Sprintf(`UPDATE {t} SET other = 'y' WHERE id IN (%d, %d)`, n+1, 3+w.last))
	w.both(fmt.Sprintf(`UPDATE {t} SET id = -id WHERE id = %d`, 40+w.last))
	w.both(fmt.Sprintf(`DELETE FROM {t} WHERE id = %d`, n+2))
	if w.table == "years" { // to another partition
		w.both(fmt.Sprintf(`UPDATE {t} SET year = 9000 - year, price = 8 WHERE id IN (%d, %d)`, n, 80+w.last))
	} else {
		w.both(row(5) + ` ON CONFLICT (id) DO UPDATE SET price = EXCLUDED.price + {t}.price`)
	}
	w.both(`SET session_replication_role = replica; ` + row(n+5) +
		fmt.Sprintf(`; UPDATE {t} SET price = 11 WHERE id = %d; RESET session_replication_role`, 120+w.last))
	copied := strings.NewReplacer(", ", "\t", "'", "").Replace(fmt.Sprintf(values, n+6)) + "\n"
	for _, conn := range w.conns {
		if _, err := conn.PgConn().CopyFrom(w.t.Context(), strings.NewReader(copied), "COPY "+w.table+" ("+columns+") FROM STDIN"); err != nil {
			w.t.Fatal(err)
		}
	}
	w.both("SET search_path = public, tools")
}

// alike holds all rows of both against each other.
func (w *filledWriter) alike() {
	w.t.Helper()
	var got [2][]string
	for i, conn := range w.conns {
		rows, err := conn.Query(w.t.Context(), `SELECT concat_ws(' ', tableoid::regclass, id, price, "Was", other, coalesce(mark, 'null')) FROM `+w.table+
			" ORDER BY id, 1")
		if err == nil {
			got[i], err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
	if len(got[0]) < 1500 || !slices.Equal(got[0], got[1]) {
		for i := range min(len(got[0]), len(got[1])) {
			if got[0][i] != got[1][i] {
				w.t.Fatalf("of %d and %d rows: want %q, got %q", len(got[0]), len(got[1]), got[0][i], got[1][i])
			}
		}
		w.t.Fatalf("%d and %d rows", len(got[0]), len(got[1]))
	}
}

// overwritten holds the differences that the plan names.
func (w *filledWriter) overwritten() {
	w.t.Helper()
	const write = "UPDATE %s SET mark = 'mine' WHERE id = 20"
	failed := new(pgconn.PgError)
	if _, err := w.conns[0].Exec(w.t.Context(), fmt.Sprintf(write, w.table)); !errors.As(err, &failed) || failed.Code != w.refused {
		w.t.Errorf("a generated column is written: %v", err)
	}
	pgservertest.Exec(w.t, w.conns[1], fmt.Sprintf(write, w.table))
	w.alike()
	line := "77\t3\teins\tx\n"
	if w.table == "years" {
		line = "77\t" + line
	}
	for i, want := range []string{"", "22P04"} {
		_, err := w.conns[i].PgConn().CopyFrom(w.t.Context(), strings.NewReader(strings.Replace(line, "77", "7700", 1)), "COPY "+w.table+" FROM STDIN")
		if want == "" && err != nil || want != "" && (!errors.As(err, &failed) || failed.Code != want) {
			w.t.Errorf("COPY without a list: %v, want %q", err, want)
		}
	}
	w.both("DELETE FROM {t} WHERE id = 7700")
}

// replaced ends with the generated column, by the plan's own statement.
func (w *filledWriter) replaced(p *onward.Plan, release string) {
	w.t.Helper()
	if len(p.Statements) != 1 {
		w.t.Fatalf("the plan has the statements %v, want one", p.Statements)
	}
	pgservertest.Exec(w.t, w.conns[1], p.Statements[0].SQL)
	w.alike()
	var value string
	sql := "SELECT string_agg(attname || attgenerated::text, ' ') || (SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'zzz_onward%') || (SELECT count(*) " +
		"FROM pg_proc WHERE proname LIKE 'zzz_onward%') FROM pg_attribute WHERE attrelid = $1::regclass AND attname = 'mark'"
	if err := w.conns[1].QueryRow(w.t.Context(), sql, w.table).Scan(&value); err != nil || value != "marks00" {
		w.t.Errorf("%s leaves %q, %v behind", release, value, err)
	}
}

// The proof of such a plan checks the column and what fills it: rows are the same, nobody waits, and an abort restores the
// base.
func TestFilledProof(t *testing.T) {
	t.Parallel()
	p := planned(t, sales, filledColumns[0].sql, 18, &config.Config{Postgres: []int{18}}, false)
	if p.Proof.Proven {
		t.Error("it is said to be proven")
	}
	for _, c := range p.Proof.Checks {
		if c.OK == strings.HasPrefix(c.Name, "the steps produce") {
			t.Errorf("the check %q passes: %t; its detail:\n%s", c.Name, c.OK, c.Detail)
		}
		if strings.HasPrefix(c.Name, "the steps produce") && (strings.Contains(c.Detail, "row") || !strings.Contains(c.Detail, "twice")) {
			t.Errorf("the schema check reports %q, want the column twice and no row", c.Detail)
		}
	}
}
