package plan_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// referringTable is a table with a foreign key to users.
type referringTable struct {
	name    string
	actions string // of the foreign key
	column  string // its definition, without the type
	added   bool   // the release adds the foreign key
}

var referringTables = []referringTable{
	{name: "cascades", actions: "ON DELETE CASCADE ON UPDATE CASCADE", column: "NOT NULL"},
	{name: "nulls", actions: "ON DELETE SET NULL ON UPDATE SET NULL"},
	{name: "defaults", actions: "ON DELETE SET DEFAULT ON UPDATE SET DEFAULT", column: "DEFAULT 1"},
	{name: "restricts", actions: "ON DELETE RESTRICT ON UPDATE RESTRICT"},
	{name: "refuses", actions: "DEFERRABLE INITIALLY DEFERRED"},
	{name: "mixes", actions: "ON DELETE SET NULL ON UPDATE CASCADE"},
	{name: "later", actions: "ON DELETE SET NULL ON UPDATE CASCADE", added: true},
}

// family is a release that changes both sides of foreign keys.
type family struct {
	name     string
	major    int
	tables   []string // of referringTables
	newFirst bool     // the triggers of the plan's foreign keys run before the deployed ones
	parent   string   // the change of users, in one statement
	change   string   // the change of a referring table; {t} is its name
	self     string   // the change of users.boss
	id       string   // users.id at the head
	author   string   // the referring column at the head
}

// TestForeignKeysHoldBetweenSteps deletes and updates parents and children after each step of a
// plan, and does the same in a database that no step touches. Both must answer with the same
// SQLSTATE, and both must have the same rows in the end.
func TestForeignKeysHoldBetweenSteps(t *testing.T) {
	t.Parallel()
	all := []string{"cascades", "nulls", "defaults", "restricts", "refuses", "mixes", "later"}
	toBigint := family{parent: "ALTER TABLE users ALTER COLUMN id TYPE bigint;", self: "ALTER TABLE users ALTER COLUMN boss TYPE bigint;",
		change: "ALTER TABLE {t} ALTER COLUMN author TYPE bigint;", id: "id", author: "author", tables: all}
	families := []family{toBigint, toBigint, toBigint, {
		name: "names", major: 18, id: "uid", author: "writer", self: "", tables: []string{"nulls", "refuses", "mixes"},
		parent: "ALTER TABLE users RENAME COLUMN id TO uid;", change: "ALTER TABLE {t} RENAME COLUMN author TO writer;",
	}}
	families[0].name, families[0].major = "types", 17
	families[1].name, families[1].major, families[1].newFirst, families[1].tables = "types, new triggers first", 13, true, []string{"nulls", "defaults", "mixes"}
	families[2].name, families[2].major, families[2].parent, families[2].tables = "types of the referring columns", 18, "", []string{
		"nulls", "defaults", "later", "mixes",
	}
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			f.play(t)
		})
	}
}

// familyPlay is a plan that runs in one database, and the writes of both databases.
type familyPlay struct {
	*family
	t             *testing.T
	plan, control *pgx.Conn
}

// sql gives the base and the release.
func (f *family) sql() (base, release string) {
	base, release = "CREATE TABLE users (id int PRIMARY KEY, boss int REFERENCES users (id) ON DELETE SET NULL ON UPDATE CASCADE);\n", f.parent+"\n"+f.self+"\n"
	for _, r := range f.referring() {
		key := "REFERENCES users (id) " + r.actions
		if r.added {
			key = ""
		}
		base += fmt.Sprintf("CREATE TABLE %s (id bigint PRIMARY KEY, author int %s %s);\n", r.name, r.column, key)
		release += strings.ReplaceAll(f.change, "{t}", r.name) + "\n"
		if r.added {
			release += fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT %[1]s_author_fkey FOREIGN KEY (%s) REFERENCES users (%s) %s;\n", r.name, f.author, f.id, r.actions)
		}
	}
	return base, release
}

func (f *family) referring() []referringTable {
	return slices.DeleteFunc(slices.Clone(referringTables), func(r referringTable) bool { return !slices.Contains(f.tables, r.name) })
}

func (f *family) play(t *testing.T) {
	base, release := f.sql()
	steps := (&scene{base: base, release: release}).steps(t)
	contract := (&onward.Plan{Steps: steps}).Contract()
	url := pgservertest.Database(t, f.major)
	p := &familyPlay{family: f, t: t, control: pgservertest.Connect(t, pgservertest.Database(t, f.major)), plan: pgservertest.Connect(t, url)}
	rows := "INSERT INTO users SELECT generate_series(1, 5);"
	for w := range len(steps) + 1 {
		rows += fmt.Sprintf("INSERT INTO users SELECT generate_series(%d, %d);", p.user(w, 0, 0), p.user(w, 9, 9))
		rows += fmt.Sprintf("INSERT INTO users SELECT 1000000 + n, n FROM generate_series(%d, %d) AS n;", p.user(w, 9, 0), p.user(w, 9, 9))
		for k, r := range p.referring() {
			rows += fmt.Sprintf("INSERT INTO %s SELECT n, n FROM generate_series(%d, %d) AS n;", r.name, p.user(w, k, 0), p.user(w, k, 9))
		}
	}
	p.exec(p.plan, base+rows+attemptFunction)
	p.exec(p.control, base+rows+attemptFunction)
	if f.newFirst { // a name decides which trigger runs first, and the server takes the OID for the name
		p.exec(p.plan, "UPDATE pg_trigger SET tgname = 'RI_z' || tgname WHERE tgisinternal")
		p.plan = pgservertest.Connect(t, url)
	}
	for w := range len(steps) + 1 {
		p.write(w, f.id != "id" && w > contract)
		if t.Failed() {
			return
		}
		if w < len(steps) {
			p.step(&steps[w])
		}
	}
	p.same()
}

// attemptFunction runs statements one by one, and gives the SQLSTATE of each.
const attemptFunction = `CREATE FUNCTION attempt(statements text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  SET CONSTRAINTS ALL DEFERRED;
  EXECUTE statements;
  SET CONSTRAINTS ALL IMMEDIATE;
  RETURN '';
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE;
END $$;`

// user is the key of a user that only one write touches.
func (p *familyPlay) user(window, table, write int) int { return 100 + window*100 + table*10 + write }

func (p *familyPlay) exec(conn *pgx.Conn, sql string) {
	p.t.Helper()
	if code, err := p.try(conn, sql); code != "" {
		p.t.Fatalf("run a statement: %v\n%.300s", err, sql)
	}
}

// try gives the SQLSTATE that a statement fails with.
func (p *familyPlay) try(conn *pgx.Conn, sql string) (string, error) {
	p.t.Helper()
	_, err := conn.Exec(p.t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	failed := new(pgconn.PgError)
	if errors.As(err, &failed) {
		if _, err := conn.Exec(p.t.Context(), "ROLLBACK"); err != nil {
			p.t.Fatal(err)
		}
		return failed.Code, fmt.Errorf("%w %s %s", err, failed.Detail, failed.Where)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return "", nil
}

func (p *familyPlay) step(s *onward.PlanStep) {
	p.t.Helper()
	if s.Check != "" {
		p.exec(p.plan, "DO $$ BEGIN IF EXISTS ("+s.Check+") THEN RAISE 'the check of "+s.ID+" finds rows'; END IF; END $$")
	}
	if !s.Repeat {
		if code, err := p.try(p.plan, s.SQL); code != "" {
			p.t.Fatalf("step %s: %v\n%s", s.ID, err, s.SQL)
		}
		return
	}
	for passed := 1; passed > 0; {
		if err := p.plan.QueryRow(p.t.Context(), s.SQL, pgx.QueryExecModeSimpleProtocol).Scan(&passed); err != nil {
			p.t.Fatalf("step %s: %v", s.ID, err)
		}
	}
}

// write changes parents and children between two steps.
func (p *familyPlay) write(window int, renamed bool) {
	p.t.Helper()
	list := []string{
		fmt.Sprintf("DELETE FROM users WHERE {id} = %d", p.user(window, 9, 0)),
		fmt.Sprintf("UPDATE users SET {id} = {id} + 2000000 WHERE {id} = %d", p.user(window, 9, 1)),
		fmt.Sprintf("UPDATE users SET {id} = {id} + 2000000 WHERE {id} = 1000000 + %d", p.user(window, 9, 2)),
	}
	for k, r := range p.referring() {
		u := func(n int) int { return p.user(window, k, n) }
		if r.added {
			const there = "SELECT 1/count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid = 'later'::regclass"
			if code, _ := p.try(p.plan, there); code != "" {
				continue
			}
			if code, _ := p.try(p.control, there); code != "" {
				p.exec(p.control, "ALTER TABLE later ADD FOREIGN KEY (author) REFERENCES users (id) "+r.actions)
			}
		}
		list = append(list,
			fmt.Sprintf("DELETE FROM users WHERE {id} = %d", u(0)),
			fmt.Sprintf("UPDATE users SET {id} = {id} + 2000000 WHERE {id} = %d", u(1)),
			fmt.Sprintf("DELETE FROM users WHERE {id} IN (%d, %d)", u(2), u(3)),
			fmt.Sprintf("UPDATE %s SET {author} = 2 WHERE id = %d; DELETE FROM users WHERE {id} = %[2]d", r.name, u(4)),
			fmt.Sprintf("DELETE FROM %s WHERE id = %d; DELETE FROM users WHERE {id} = %[2]d", r.name, u(5)),
			fmt.Sprintf("UPDATE %s SET {author} = -1 WHERE id = %d", r.name, u(6)),
			fmt.Sprintf("INSERT INTO %s (id, {author}) VALUES (-%d, %[2]d); UPDATE users SET {id} = {id} + 2000000 WHERE {id} = %[2]d", r.name, u(7)),
			fmt.Sprintf("UPDATE %s SET id = id WHERE id = %d; DELETE FROM users WHERE {id} = %[2]d; UPDATE %[1]s SET id = id WHERE id = %[2]d", r.name, u(8)),
			fmt.Sprintf("INSERT INTO %s (id, {author}) VALUES (-%d, -1)", r.name, u(9)))
	}
	control := strings.NewReplacer("{id}", "id", "{author}", "author")
	names := control
	if renamed {
		names = strings.NewReplacer("{id}", p.id, "{author}", p.author)
	}
	var want, got []string
	if err := p.control.QueryRow(p.t.Context(), "SELECT array_agg(attempt(s) ORDER BY n) FROM unnest($1::text[]) WITH ORDINALITY AS l (s, n)",
		pgx.QueryExecModeExec, replaced(list, control)).Scan(&want); err != nil {
		p.t.Fatal(err)
	}
	if err := p.plan.QueryRow(p.t.Context(), "SELECT array_agg(attempt(s) ORDER BY n) FROM unnest($1::text[]) WITH ORDINALITY AS l (s, n)",
		pgx.QueryExecModeExec, replaced(list, names)).Scan(&got); err != nil {
		p.t.Fatal(err)
	}
	for i, sql := range list {
		if got[i] != want[i] {
			p.t.Errorf("after %d steps the server answers %q instead of %q: %s", window, got[i], want[i], sql)
		}
	}
}

func replaced(list []string, names *strings.Replacer) (out []string) {
	for _, s := range list {
		out = append(out, names.Replace(s))
	}
	return out
}

// same compares the rows of both databases.
func (p *familyPlay) same() {
	t := p.t
	t.Helper()
	queries := map[string]string{"users": "SELECT {id}::bigint, boss::bigint FROM users ORDER BY 1"}
	for _, r := range p.referring() {
		if !r.added {
			queries[r.name] = "SELECT id, {author}::bigint FROM " + r.name + " ORDER BY 1"
		}
		p.exec(p.plan, "DO $$ BEGIN IF EXISTS (SELECT FROM "+r.name+" AS t WHERE t."+p.author+" IS NOT NULL AND NOT EXISTS (SELECT FROM users AS u WHERE u."+p.id+
			" = t."+p.author+")) THEN RAISE '"+r.name+" has rows without a parent'; END IF; END $$")
	}
	read := func(conn *pgx.Conn, sql string) []string {
		rows, err := conn.Query(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			t.Fatal(err)
		}
		out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
			values, err := row.Values()
			return fmt.Sprint(values), err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for name, sql := range queries {
		want := read(p.control, strings.NewReplacer("{id}", "id", "{author}", "author").Replace(sql))
		got := read(p.plan, strings.NewReplacer("{id}", p.id, "{author}", p.author).Replace(sql))
		if !slices.Equal(got, want) {
			t.Errorf("%s has other rows than without the plan:\n got %s\nwant %s", name, difference(got, want), difference(want, got))
		}
	}
}

// difference lists what only the first list has.
func difference(a, b []string) string {
	missingRows := slices.DeleteFunc(slices.Clone(a), func(row string) bool { return slices.Contains(b, row) })
	return strings.Join(missingRows[:min(len(missingRows), 10)], ", ")
}
