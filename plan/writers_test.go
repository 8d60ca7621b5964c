package plan_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/rotation"
)

// place is where code of one release finds a row's key and value.
type place struct {
	table, id, column string // of a value that is split: the columns, between commas
	// parts splits a value {v} into those columns, and whole joins them again in a row {r}; "" if there
	// is one column.
	parts, whole string
	unique       string // what ON CONFLICT names; "" for id
}

// in returns a value in the form that this code writes.
func (p place) in(v string) string {
	if p.parts == "" {
		return v
	}
	return strings.ReplaceAll(p.parts, "{v}", "("+v+")")
}

// set returns the assignment of a value to a row.
func (p place) set(list string) string {
	if p.parts == "" {
		return p.column + " = " + list
	}
	return "(" + p.column + ") = ROW(" + list + ")"
}

// of returns a row's value.
func (p place) of(row string) string {
	if p.parts == "" {
		return row + p.column
	}
	return "(" + strings.ReplaceAll(p.whole, "{r}", row) + ")"
}

// excluded returns the value of a row that an upsert would have added.
func (p place) excluded() string {
	return p.set("EXCLUDED." + strings.ReplaceAll(p.column, ", ", ", EXCLUDED."))
}

// scene is a release, and how code of both sides of it writes.
type scene struct {
	name, base, release string
	old, new            place
	typ                 string   // of the value
	values              []string // what is written, in SQL; {n} is a number
	filled              []string // what is there before; nil for the same
	numbers             int      // how many of them there are; 0 for so many that none comes twice
	left                string   // the value if an INSERT leaves it out; "" if it must not
	want                string   // the new value of c.value; "" for the same
	unique              bool     // the value is unique: duplicates are refused
	view                bool     // the old code writes through a view: no COPY
	noWayBack           bool     // what the new code writes has no place in the old schema
	also                string   // finds rows that are wrong otherwise, at the end
	keysStay            bool     // no trigger fills what goes by its key to where the backfill was: the check finds it
	twice               bool     // no other scene is like it: a commit's tests play it both ways
	beyond              string   // what the plan adds to the schema beyond the release
	limited             bool     // code writes as a role that has rights on the columns that it knows only
	kids                string   // the statement that makes a table with a foreign key to the scene's; "" for none
	major               int      // the server's version; 0 for 17
	oldSnapshots        bool     // some code writes in transactions that are REPEATABLE READ
}

var (
	columnA = place{table: "public.t", id: "id", column: "a"}
	other   = place{table: "public.t", id: "id", column: "b"}
	words   = place{table: "public.t", id: "id", column: "first, last", parts: "split_part({v}, ' ', 1), split_part({v}, ' ', 2)", whole: "{r}first || ' ' || {r}last"}
	texts   = []string{"NULL", "''", "'Aa{n}'", "'aA{n}'", "'größer {n}'"}
)

var long = strings.Repeat("a_long_name", 6)[:63]

var scenes = []scene{
	{name: "rename", old: columnA, new: other, typ: "text", values: texts, left: "NULL",
		base: "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a text);", release: "ALTER TABLE t RENAME COLUMN a TO b;"},
	{name: "rename required", old: columnA, new: other, typ: "integer", values: []string{"{n}", "-{n}"}, left: "7",
		base: "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a integer NOT NULL DEFAULT 7 CHECK (a > -2000000000)); CREATE INDEX t_a_idx ON t (a, other);", release: "ALTER TABLE t RENAME COLUMN a TO b;"},
	{name: "rename unique", old: columnA, new: other, typ: "text", values: []string{"'m{n}'"}, numbers: 9000, unique: true,
		base: "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a text NOT NULL UNIQUE);", release: "ALTER TABLE t RENAME COLUMN a TO b;"},
	{name: "rename json", old: columnA, new: other, typ: "json", values: []string{"NULL", `'{"n": {n}}'`, `'{"n":{n}}'`}, left: "NULL",
		base: "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a json);", release: "ALTER TABLE t RENAME COLUMN a TO b;"},
	{name: "rename equal but not the same", old: columnA, new: other, typ: "numeric", values: []string{"1", "1.0", "1.00", "NULL"}, left: "NULL",
		base: "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a numeric);", release: "ALTER TABLE t RENAME COLUMN a TO b;"},
	{name: "rename and type", twice: true, old: columnA, new: other, typ: "integer", values: []string{"{n}", "-{n}", "NULL"}, left: "NULL",
		base: "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a integer); CREATE INDEX ON t (a);", release: "ALTER TABLE t RENAME COLUMN a TO b; ALTER TABLE t ALTER COLUMN b TYPE bigint; ALTER TABLE t ADD CHECK (b > -3000000000); CREATE INDEX ON t (b, other);"},
	{name: "said to be renamed", old: columnA, new: other, typ: "text", values: texts, left: "NULL",
		base: "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a text); COMMENT ON COLUMN t.a IS 'onward: deprecated, renamed to b';", release: "ALTER TABLE t ADD COLUMN b text; CREATE INDEX ON t (b); ALTER TABLE t DROP COLUMN a;"},
	{name: "split", twice: true, old: columnA, new: words, typ: "text", values: []string{"'Aa{n} bB'", "'größer {n}'", "NULL"}, left: "NULL",
		base:    "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a text); COMMENT ON COLUMN t.a IS 'onward: deprecated, split into first = split_part(a, '' '', 1), last = split_part(a, '' '', 2), joined as first || '' '' || last';",
		release: "ALTER TABLE t ADD COLUMN first varchar(40), ADD COLUMN last text CHECK (last <> 'x'); CREATE INDEX ON t (last, first); ALTER TABLE t DROP COLUMN a;"},
	{name: "rename long names", typ: "text", values: texts, left: "NULL",
		old: place{table: "public." + long[:60] + "tab", id: "id", column: long}, new: place{table: "public." + long[:60] + "tab", id: "id", column: long[:60] + "new"},
		base:    "CREATE TABLE " + long[:60] + "tab (id bigint PRIMARY KEY, other integer, " + long + " text); CREATE INDEX ON " + long[:60] + "tab (" + long + ");",
		release: "ALTER TABLE " + long[:60] + "tab RENAME COLUMN " + long + " TO " + long[:60] + "new;"},
	{name: "rename quoted names", typ: `"my app"."Mood"`, values: []string{`'so so'`, `'Good'`, "NULL"}, left: "NULL",
		old: place{table: `"my app"."Order Items"`, id: `"Nr"`, column: `"Größe"`}, new: place{table: `"my app"."Order Items"`, id: `"Nr"`, column: `"Maß ""x"""`},
		base:    `CREATE SCHEMA "my app"; CREATE TYPE "my app"."Mood" AS ENUM ('so so', 'Good'); CREATE TABLE "my app"."Order Items" ("Nr" bigint PRIMARY KEY, other integer, "Größe" "my app"."Mood" CHECK ("Größe" <> 'Good' OR true)); CREATE INDEX "By Größe" ON "my app"."Order Items" ("Größe");`,
		release: `ALTER TABLE "my app"."Order Items" RENAME COLUMN "Größe" TO "Maß ""x""";`},
	{name: "type", old: columnA, new: columnA, typ: "integer", values: []string{"{n}", "-{n}"}, left: "5",
		base: "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a integer NOT NULL DEFAULT 5); CREATE INDEX t_a_idx ON t (a);", release: "ALTER TABLE t ALTER COLUMN a TYPE bigint;"},
	{name: "type using", old: columnA, new: columnA, typ: "text", values: []string{"'s{n}'", "'x'", "NULL"}, numbers: 9000, filled: []string{"'status {n}'", "NULL"}, left: "'open'", want: "left(c.value, 5)",
		base: "CREATE FUNCTION short(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT left($1, 5) $$; CREATE TABLE t (id bigint PRIMARY KEY, other integer, a text DEFAULT 'open');", release: "ALTER TABLE t ALTER COLUMN a TYPE varchar(5) USING short(a);"},
	{name: "volatile default", keysStay: true, old: columnA, new: columnA, typ: "text", values: texts, left: "NULL", also: "SELECT FROM t GROUP BY token HAVING count(*) > 1 OR token IS NULL",
		base: "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a text);", release: "ALTER TABLE t ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();"},
	{name: "set not null", keysStay: true, old: columnA, new: columnA, typ: "text", values: []string{"'x{n}'"}, filled: []string{"'x{n}'", "NULL"}, want: "coalesce(c.value, 'SE')",
		base: "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a text);", release: "UPDATE t SET a = 'SE' WHERE a IS NULL; ALTER TABLE t ALTER COLUMN a SET NOT NULL;"},
	{name: "rename table", twice: true, old: columnA, new: place{table: "public.u", id: "id", column: "a"}, typ: "text", values: texts, left: "'d'", view: true,
		base: "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a text DEFAULT 'd');", release: "ALTER TABLE t RENAME TO u;"},
	{name: "unique", old: columnA, new: columnA, typ: "text", values: []string{"'x{n}'", "NULL"}, left: "NULL", unique: true,
		base: "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a text);", release: "ALTER TABLE t ADD CONSTRAINT t_a_key UNIQUE (a);"},
	{name: "soft delete", old: columnA, new: columnA, typ: "text", values: []string{"'x{n}'", "NULL"}, left: "NULL", unique: true, also: "SELECT FROM t EXCEPT ALL SELECT FROM t_live",
		base: "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a text UNIQUE); CREATE UNIQUE INDEX t_both ON t (id, lower(a));", release: "ALTER TABLE t ADD COLUMN gone timestamptz; COMMENT ON COLUMN t.gone IS 'onward: soft delete';",
		beyond: "ALTER TABLE t DROP CONSTRAINT t_a_key; DROP INDEX t_both; CREATE UNIQUE INDEX t_a_key ON t (a) WHERE gone IS NULL; CREATE UNIQUE INDEX t_both ON t (id, lower(a)) WHERE gone IS NULL; CREATE VIEW t_live WITH (security_invoker = true) AS SELECT id, other, a, gone FROM t WHERE gone IS NULL;"},
	{name: "check", old: columnA, new: columnA, typ: "integer", values: []string{"{n}", "NULL"}, left: "NULL",
		base: "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a integer);", release: "ALTER TABLE t ADD CONSTRAINT t_a_check CHECK (a >= 0);"},
	{name: "partitioned, by the key", old: columnA, new: place{table: "public.t", id: "id", column: "a", unique: "id"}, typ: "text", values: texts, left: "'d'",
		base: "CREATE TABLE t (id bigserial PRIMARY KEY, other integer, a text DEFAULT 'd'); CREATE INDEX ON t (a);",
		release: "ALTER TABLE t RENAME TO t_old; CREATE TABLE t (id bigint DEFAULT nextval('t_id_seq'), other integer, a text DEFAULT 'd', CONSTRAINT t_key PRIMARY KEY (id)) PARTITION BY HASH (id); CREATE INDEX ON t (a); " +
			"CREATE TABLE t_0 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE t_1 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 1); INSERT INTO t SELECT * FROM t_old; ALTER SEQUENCE t_id_seq OWNED BY t.id; DROP TABLE t_old;"},
	{name: "partitioned, a key is lost", old: columnA, new: place{table: "public.t", id: "id", column: "a", unique: "id, day"}, typ: "text", values: texts, left: "NULL",
		base: "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a text, day date NOT NULL DEFAULT '2025-05-05');",
		release: "CREATE TABLE t_new (id bigint, other integer, a text, day date NOT NULL DEFAULT '2025-05-05', PRIMARY KEY (id, day)) PARTITION BY RANGE (day); CREATE TABLE t_24 PARTITION OF t_new FOR VALUES FROM ('2024-01-01') TO ('2025-01-01'); " +
			"CREATE TABLE t_rest PARTITION OF t_new DEFAULT; INSERT INTO t_new SELECT * FROM t; DROP TABLE t; ALTER TABLE t_new RENAME TO t;"},
	{name: "partitioned, as it stands", old: columnA, new: place{table: "public.t", id: "id", column: "a", unique: "id"}, typ: "text", values: texts, left: "'d'",
		base: "CREATE TABLE t (id bigserial PRIMARY KEY, other integer, a text DEFAULT 'd');",
		release: "ALTER TABLE t RENAME TO t_first; CREATE TABLE t (LIKE t_first INCLUDING DEFAULTS, PRIMARY KEY (id)) PARTITION BY RANGE (id); ALTER TABLE t ATTACH PARTITION t_first FOR VALUES FROM (MINVALUE) TO (1000000); " +
			"CREATE TABLE t_rest PARTITION OF t DEFAULT; CREATE INDEX ON t (a); ALTER SEQUENCE t_id_seq OWNED BY t.id;"},
	{name: "generated", twice: true, old: columnA, new: place{table: "public.t", id: "id", column: "a", unique: "id"}, typ: "text", values: texts, left: "'d'", also: "SELECT FROM t WHERE b IS DISTINCT FROM upper(a)",
		base: "CREATE TABLE t (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, other integer, a text DEFAULT 'd'); CREATE INDEX ON t (other);", release: "ALTER TABLE t ADD COLUMN b text GENERATED ALWAYS AS (upper(a)) STORED; CREATE INDEX ON t (b);"},
	{name: "drop column", old: columnA, new: columnA, typ: "text", values: texts, left: "NULL", noWayBack: true,
		base: "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a text, gone integer NOT NULL DEFAULT 3, void text);", release: "ALTER TABLE t DROP COLUMN gone; ALTER TABLE t DROP COLUMN void;"},
}

// TestWriters runs each recipe's steps while code of both releases writes: through, with each step
// cut off once before it is through, and back again before the first contract. Beside each value a
// control table, which no step touches, is given the same: nothing may be lost.
// A commit's tests play a scene like the one before it once, with its steps cut off or back, in turn. ONWARD_PLAN_ROUNDS plays each scene in each way that often, with other numbers.
func TestWriters(t *testing.T) {
	t.Parallel()
	rounds := rounds()
	picked := scenes
	if rounds == 0 {
		picked = rotation.Pick(t, 5, scenes)
	}
	for i, s := range picked {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			steps, played := s.steps(t), []string{"cut"}
			switch {
			case rounds > 0:
				played = []string{"cut", "back", "through"}
			case s.twice:
				played = append(played, "back")
			case i%2 == 1 && s.old != s.new:
				played = []string{"back"}
			}
			for round := range max(rounds, 1) {
				for _, mode := range played {
					seed := uint64(round)
					if rounds > 0 {
						seed = rand.Uint64()
					}
					newStage(t, &s, steps, seed).play(mode)
				}
			}
		})
	}
}

// rounds is what ONWARD_PLAN_ROUNDS asks for; 0 for nothing.
func rounds() int {
	n, _ := strconv.Atoi(os.Getenv("ONWARD_PLAN_ROUNDS"))
	return n
}

// writer writes as code of one release does.
type writer struct {
	st    *stage
	at    place
	rng   *rand.Rand
	conn  *pgx.Conn
	both  bool // in one transaction by both names
	stop  chan struct{}
	moves atomic.Int64
}

// expected are errors that a writer has to live with: of a deadlock somebody is the victim.
func (w *writer) expected(err error) bool {
	failed := new(pgconn.PgError)
	return errors.As(err, &failed) && (failed.Code == "40P01" || failed.Code == "40001" || failed.Code == "23505" && w.st.unique && failed.ConstraintName != "control_pkey")
}

func (w *writer) run(wg *sync.WaitGroup) {
	defer wg.Done()
	for {
		select {
		case <-w.stop:
			return
		default:
		}
		statement, err := w.move()
		if err != nil && !w.expected(err) {
			w.st.t.Errorf("seed %d: code that knows %s.%s fails at %s: %v", w.st.seed, w.at.table, w.at.column, statement, err)
			return
		}
		w.moves.Add(1)
	}
}

// value is one that may be written.
func (w *writer) value() string {
	n := w.rng.IntN(cmp.Or(w.st.numbers, 1<<30))
	return strings.ReplaceAll(w.st.values[w.rng.IntN(len(w.st.values))], "{n}", strconv.Itoa(n))
}

// ids returns the IDs of rows that may exist.
func (w *writer) ids() string {
	var out []string
	n := 1 + w.rng.IntN(4)
	if w.st.unique {
		n = 1
	}
	for range n {
		out = append(out, strconv.FormatInt(1+w.rng.Int64N(w.st.last.Load()), 10))
	}
	return strings.Join(out, ", ")
}

// move is one transaction.
func (w *writer) move() (statement string, err error) {
	ctx := w.st.t.Context()
	tx, err := w.conn.Begin(ctx)
	if err != nil {
		return "BEGIN", err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	for range 1 + w.rng.IntN(2) {
		if statement, err = w.write(ctx, tx); err != nil {
			return statement, err
		}
	}
	if w.rng.IntN(8) == 0 {
		return "ROLLBACK", tx.Rollback(ctx)
	}
	return "COMMIT", tx.Commit(ctx)
}

// write is one write, and its like in the control table. It returns the statement.
func (w *writer) write(ctx context.Context, tx pgx.Tx) (string, error) {
	p, s := w.at, w.st
	update := func(location place, id string) (string, error) {
		v := w.value()
		return w.mirrored(ctx, tx, "UPDATE "+location.table+" SET "+location.set(location.in(v))+" WHERE "+location.id+" IN ("+id+")", "UPDATE public.control SET value = "+v+" WHERE id = ANY ($1)")
	}
	insert := "INSERT INTO " + p.table + " (" + p.id + ", other, " + p.column + ") VALUES "
	row := func(v string) (tableRow, control string) {
		id, other := s.last.Add(1), w.rng.IntN(1000)
		return fmt.Sprintf("(%d, %d, %s)", id, other, p.in(v)), fmt.Sprintf("(%d, %d, %s)", id, other, v)
	}
	switch kind := w.rng.IntN(13); {
	case kind == 0: // rows, by one INSERT
		rows, control := row(w.value())
		for range w.rng.IntN(3) {
			tableRow, controlRow := row(w.value())
			rows, control = rows+", "+tableRow, control+", "+controlRow
		}
		return w.mirrored(ctx, tx, insert+rows, "INSERT INTO public.control (id, other, value) VALUES "+control)
	case kind == 1 && s.left != "":
		id := s.last.Add(1)
		return w.mirrored(ctx, tx, fmt.Sprintf("INSERT INTO %s (%s, other) VALUES (%d, 1)", p.table, p.id, id), fmt.Sprintf("INSERT INTO public.control (id, value) VALUES (%d, %s)", id, s.left))
	case kind == 2:
		return w.mirrored(ctx, tx, "DELETE FROM "+p.table+" WHERE "+p.id+" IN ("+w.ids()+")", "DELETE FROM public.control WHERE id = ANY ($1)")
	case kind == 3: // a row that is there, or is not
		v := w.value()
		id := strconv.Itoa(1 + w.rng.IntN(filled))
		return w.mirrored(ctx, tx, insert+"("+id+", 2, "+p.in(v)+") ON CONFLICT ("+cmp.Or(p.unique, p.id)+") DO UPDATE SET "+p.excluded(),
			"INSERT INTO public.control (id, value) VALUES ("+id+", "+v+") ON CONFLICT (id) DO UPDATE SET value = EXCLUDED.value")
	case kind == 4 && s.unique && s.numbers > 0:
		rows, control := row(w.value())
		return w.mirrored(ctx, tx, insert+rows+" ON CONFLICT ("+p.column+") DO UPDATE SET other = 3", "INSERT INTO public.control (id, other, value) SELECT * FROM (VALUES "+control+") AS v (id) WHERE id = ANY ($1)")
	case kind == 5 && p.parts == "" && !(s.view && p == s.old):
		return w.copied(ctx, tx)
	case kind == 6: // what others write stays
		sql := "UPDATE " + p.table + " SET other = $1 WHERE " + p.id + " = $2"
		_, err := tx.Exec(ctx, sql, w.rng.IntN(1000), 1+w.rng.Int64N(s.last.Load()))
		return sql, err
	case kind == 12 && !s.keysStay: // a row gets another key, which a backfill may have passed
		return w.rekeyed(ctx, tx)
	case kind < 9 && w.both:
		if kind == 7 { // the one name, then the other
			id := w.ids()
			if sql, err := update(s.old, id); err != nil {
				return sql, err
			}
			return update(s.new, id)
		}
		v := w.value()
		return w.mirrored(ctx, tx, "UPDATE "+p.table+" SET "+s.old.set(w.value())+", "+s.new.set(s.new.in(v))+" WHERE "+p.id+" IN ("+w.ids()+") AND "+s.new.of("")+"::text IS DISTINCT FROM ("+v+")::"+s.typ+"::text",
			"UPDATE public.control SET value = "+v+" WHERE id = ANY ($1)")
	}
	return update(p, w.ids())
}

// mirrored writes, and does to the control table what it did to the rows that it wrote, whose
// locks it holds.
func (w *writer) mirrored(ctx context.Context, tx pgx.Tx, sql, control string) (string, error) {
	rows, err := tx.Query(ctx, sql+" RETURNING "+w.at.id, pgx.QueryExecModeExec)
	if err != nil {
		return sql, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil || len(ids) == 0 {
		return sql, err
	}
	args := []any{pgx.QueryExecModeExec}
	if strings.Contains(control, "$1") {
		args = append(args, ids)
	}
	_, err = tx.Exec(ctx, control, args...)
	return control, err
}

// rekeyed gives a row another key.
func (w *writer) rekeyed(ctx context.Context, tx pgx.Tx) (string, error) {
	id, oldID := w.st.last.Add(1), 1+w.rng.IntN(filled)
	return w.mirrored(ctx, tx, fmt.Sprintf("UPDATE %s SET %s = %d WHERE %[2]s = %[4]d", w.at.table, w.at.id, id, oldID),
		fmt.Sprintf("UPDATE public.control SET id = %d WHERE id = %d AND ARRAY[id] <> $1", id, oldID))
}

// copied brings rows by COPY.
func (w *writer) copied(ctx context.Context, tx pgx.Tx) (string, error) {
	var in strings.Builder
	var control []string
	for range 3 {
		id, v := w.st.last.Add(1), w.value()
		var text *string
		if err := tx.QueryRow(ctx, "SELECT ("+v+")::"+w.st.typ+"::text", pgx.QueryExecModeExec).Scan(&text); err != nil {
			return v, err
		}
		field := `\N`
		if text != nil {
			field = strings.ReplaceAll(*text, `\`, `\\`)
		}
		fmt.Fprintf(&in, "%d\t4\t%s\n", id, field)
		control = append(control, fmt.Sprintf("(%d, %s)", id, v))
	}
	sql := "COPY " + w.at.table + " (" + w.at.id + ", other, " + w.at.column + ") FROM STDIN"
	if _, err := w.conn.PgConn().CopyFrom(ctx, strings.NewReader(in.String()), sql); err != nil {
		return sql, err
	}
	sql = "INSERT INTO public.control (id, value) VALUES " + strings.Join(control, ", ")
	_, err := tx.Exec(ctx, sql, pgx.QueryExecModeExec)
	return sql, err
}

// The plan's trigger runs after the other triggers of the table, whatever their names.
func TestRunsLast(t *testing.T) {
	t.Parallel()
	s := scene{
		base: `CREATE TABLE t (id bigint PRIMARY KEY, a text, touched timestamptz);
-- +goose StatementBegin
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.touched := now(); RETURN NEW; END $$;
-- +goose StatementEnd
CREATE TRIGGER zzzzzz BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();`,
		release: "ALTER TABLE t RENAME COLUMN a TO b;",
	}
	var all strings.Builder
	for _, step := range s.steps(t) {
		all.WriteString(step.SQL)
	}
	_, after, _ := strings.Cut(all.String(), "CREATE TRIGGER ")
	name, after, _ := strings.Cut(after, " ")
	if name <= "zzzzzz" {
		t.Errorf("trigger %q runs before zzzzzz", name)
	}
	if !strings.HasPrefix(after, "BEFORE UPDATE ON t FOR EACH ROW WHEN (pg_catalog.record_image_ne(ROW(NEW.a, NEW.b)") {
		t.Errorf("touch may change what an UPDATE does not name, and the plan's trigger is called %s", after)
	}
}
