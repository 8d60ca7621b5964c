package verify_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// breakage is a kind of breakage: a schema, a query of the deployed code, a migration that breaks it, and an
// equivalent one that does not.
type breakage struct {
	name     string
	base     string
	breaks   string // with the statement that does it on the line of "-- here", after it
	safe     string
	query    workload.Query
	run      func(context.Context, *pgx.Conn) error // what the deployed code does
	between  string                                 // what the new code, or a user, writes meanwhile
	since    int                                    // the first major that has it
	kind     onward.VerdictKind
	state    string
	severity onward.Severity
	says     string
}

// sends runs a query with the driver's cache of prepared statements, as code does.
func sends(sql string, args ...any) func(context.Context, *pgx.Conn) error {
	return func(ctx context.Context, c *pgx.Conn) error {
		rows, err := c.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		rows.Close()
		return rows.Err()
	}
}

// as is sends for a role.
func as(role, sql string, args ...any) func(context.Context, *pgx.Conn) error {
	return func(ctx context.Context, c *pgx.Conn) error {
		if _, err := c.Exec(ctx, "SET ROLE "+role); err != nil {
			return err
		}
		defer c.Exec(ctx, "RESET ROLE")
		return sends(sql, args...)(ctx, c)
	}
}

// copies sends rows through COPY.
func copies(sql, rows string) func(context.Context, *pgx.Conn) error {
	return func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.PgConn().CopyFrom(ctx, strings.NewReader(rows), sql)
		return err
	}
}

// mood is an enum as typed code has it.
type mood string

// Scan refuses what the code does not know.
func (m *mood) Scan(v any) error {
	switch v {
	case "fine", "sad":
		*m = mood(v.(string))
		return nil
	}
	return fmt.Errorf("unknown mood %v", v)
}

var errScan = errors.New("the scanner refuses it")

func moods(ctx context.Context, c *pgx.Conn) error {
	rows, err := c.Query(ctx, "SELECT feels::text FROM g_people")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		if new(mood).Scan(text) != nil {
			return errScan
		}
	}
	return rows.Err()
}

// indexed fails where the plan of a query reads a table whole.
func indexed(sql string) func(context.Context, *pgx.Conn) error {
	return func(ctx context.Context, c *pgx.Conn) error {
		rows, err := c.Query(ctx, "EXPLAIN "+sql, pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			return err
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err == nil && strings.Contains(strings.Join(lines, "\n"), "Seq Scan") {
			err = errWhole
		}
		return err
	}
}

var errWhole = errors.New("the table is read whole")

var breakages = []breakage{
	{
		name: "column dropped", base: "CREATE TABLE a_users (id bigint PRIMARY KEY, nick text, age int);",
		breaks: "ALTER TABLE a_users ALTER COLUMN age SET DEFAULT 1;\n-- here\nALTER TABLE a_users DROP COLUMN nick;\nALTER TABLE a_users ADD COLUMN note text;",
		safe:   "ALTER TABLE a_users ADD COLUMN display text;",
		query:  workload.Query{SQL: "SELECT nick FROM a_users WHERE id = $1", Params: []string{"bigint"}}, run: sends("SELECT nick FROM a_users WHERE id = $1", 1),
		kind: onward.VerdictFails, state: "42703", severity: onward.Error, says: `column "nick" does not exist`,
	},
	{
		name: "table renamed", base: "CREATE TABLE b_orders (id bigint PRIMARY KEY, total int);",
		breaks: "-- here\nALTER TABLE b_orders RENAME TO b_purchases;",
		safe:   "ALTER TABLE b_orders RENAME TO b_purchases;\nCREATE VIEW b_orders AS SELECT id, total FROM b_purchases;",
		query:  workload.Query{SQL: "UPDATE b_orders SET total = $1 WHERE id = $2"}, run: sends("UPDATE b_orders SET total = $1 WHERE id = $2", 1, 2),
		kind: onward.VerdictFails, state: "42P01", severity: onward.Error, says: `relation "b_orders" does not exist`,
	},
	{
		name: "function gone", base: "CREATE FUNCTION b_tax(numeric) RETURNS numeric LANGUAGE sql AS 'SELECT $1 * 0.2';",
		breaks: "-- here\nDROP FUNCTION b_tax(numeric);\nCREATE FUNCTION b_tax(numeric, text) RETURNS numeric LANGUAGE sql AS 'SELECT $1 * 0.2';",
		safe:   "CREATE FUNCTION b_tax(numeric, text) RETURNS numeric LANGUAGE sql AS 'SELECT $1 * 0.2';",
		query:  workload.Query{SQL: "SELECT b_tax($1)", Params: []string{"numeric"}}, run: sends("SELECT b_tax($1::numeric)", 1),
		kind: onward.VerdictFails, state: "42883", severity: onward.Error, says: "function b_tax(numeric) does not exist",
	},
	{
		name: "COPY without columns", base: "CREATE TABLE b_log (id bigint, line text);",
		breaks: "-- here\nALTER TABLE b_log ADD COLUMN level int;",
		safe:   "CREATE TABLE b_log_level (id bigint, level int);",
		query:  workload.Query{SQL: "COPY b_log FROM STDIN", Kind: workload.Copy}, run: copies("COPY b_log FROM STDIN", "1\tx\n"),
		kind: onward.VerdictFails, state: "22P04", severity: onward.Error, says: `missing data for column "level"`,
	},
	{
		name: "column retyped", base: "CREATE TABLE c_orders (id bigint PRIMARY KEY, total int);",
		breaks: "-- here\nALTER TABLE c_orders ALTER COLUMN total TYPE bigint;",
		safe:   "ALTER TABLE c_orders ADD COLUMN total_cents bigint;",
		query:  workload.Query{SQL: "SELECT id, total FROM c_orders", Named: true}, run: sends("SELECT id, total FROM c_orders"),
		kind: onward.VerdictResultShape, state: "0A000", severity: onward.Error, says: `cached plan must not change result type: column "total" is bigint, and was integer`,
	},
	{
		name: "column gone from a star", base: "CREATE TABLE c_stars (id bigint PRIMARY KEY, nick text);",
		breaks: "-- here\nALTER TABLE c_stars DROP COLUMN nick;",
		safe:   "ALTER TABLE c_stars ALTER COLUMN nick SET DEFAULT 'x';",
		query:  workload.Query{SQL: "SELECT * FROM c_stars", Named: true}, run: sends("SELECT * FROM c_stars"),
		kind: onward.VerdictResultShape, state: "0A000", severity: onward.Error, says: `cached plan must not change result type: column "nick" is gone`,
	},
	{
		name: "column added to a star", base: "CREATE TABLE c_wide (id bigint PRIMARY KEY, nick text);",
		breaks: "-- here\nALTER TABLE c_wide ADD COLUMN more text;",
		safe:   "CREATE TABLE c_wide_more (id bigint REFERENCES c_wide, more text);",
		query:  workload.Query{SQL: "SELECT * FROM c_wide", Named: true}, run: sends("SELECT * FROM c_wide"),
		kind: onward.VerdictResultShape, state: "0A000", severity: onward.Warning, says: `cached plan must not change result type: it gives more columns: "more"`,
	},
	{
		name: "required column", base: "CREATE TABLE d_users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL, " +
			"up text GENERATED ALWAYS AS (upper(email)) STORED);",
		breaks: "-- here\nALTER TABLE d_users ADD COLUMN country text NOT NULL;",
		safe:   "ALTER TABLE d_users ADD COLUMN country text NOT NULL DEFAULT 'fr';",
		query:  workload.Query{SQL: "INSERT INTO d_users (email) VALUES ($1), ($2) ON CONFLICT DO NOTHING RETURNING id"}, run: sends("INSERT INTO d_users (email) VALUES ($1), ($2) ON CONFLICT DO NOTHING RETURNING id", "a", "b"),
		kind: onward.VerdictRequired, state: "23502", severity: onward.Error, says: `null value in column "country" of relation "d_users" violates not-null constraint`,
	},
	{
		name: "required by a check", base: "CREATE TABLE d_check (id bigint PRIMARY KEY, email text);",
		breaks: "-- here\nALTER TABLE d_check ADD CONSTRAINT d_has_email CHECK (email IS NOT NULL) NOT VALID;",
		safe:   "ALTER TABLE d_check ADD CONSTRAINT d_has_id CHECK (id IS NOT NULL) NOT VALID;",
		query:  workload.Query{SQL: "INSERT INTO d_check SELECT $1", Params: []string{"bigint"}}, run: sends("INSERT INTO d_check SELECT count(*) FROM d_check"),
		kind: onward.VerdictRequired, state: "23514", severity: onward.Error, says: `new row for relation "d_check" violates check constraint "d_has_email"`,
	},
	{
		name: "required in COPY", base: "CREATE TABLE d_copy (id bigint, line text);",
		breaks: "-- here\nALTER TABLE d_copy ADD COLUMN level int NOT NULL;",
		safe:   "ALTER TABLE d_copy ADD COLUMN level int NOT NULL DEFAULT 0;",
		query:  workload.Query{SQL: "COPY d_copy (id, line) FROM STDIN", Kind: workload.Copy}, run: copies("COPY d_copy (id, line) FROM STDIN", "1\tx\n"),
		kind: onward.VerdictRequired, state: "23502", severity: onward.Error, says: `null value in column "level" of relation "d_copy" violates not-null constraint`,
	},
	{
		name: "required in MERGE", base: "CREATE TABLE d_merge (id bigint, line text);", since: 15,
		breaks: "-- here\nALTER TABLE d_merge ADD COLUMN level int NOT NULL;",
		safe:   "ALTER TABLE d_merge ADD COLUMN level int NOT NULL DEFAULT 0;",
		query: workload.Query{
			SQL:  "MERGE INTO d_merge t USING (SELECT $1::bigint AS id) s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)",
			Kind: workload.Merge,
		},
		run:  sends("MERGE INTO d_merge t USING (SELECT $1::bigint AS id) s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)", 1),
		kind: onward.VerdictRequired, state: "23502", severity: onward.Error, says: `null value in column "level" of relation "d_merge" violates not-null constraint`,
	},
	{
		name: "arbiter gone", base: "CREATE TABLE e_carts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sku text CONSTRAINT e_sku UNIQUE, n int);",
		breaks: "ALTER TABLE e_carts ADD COLUMN note text;\n-- here\nALTER TABLE e_carts DROP CONSTRAINT e_sku;",
		safe:   "CREATE UNIQUE INDEX e_sku_new ON e_carts (sku);\nALTER TABLE e_carts DROP CONSTRAINT e_sku;",
		query:  workload.Query{SQL: "INSERT INTO e_carts AS c (sku, n) VALUES ($1, $2) ON CONFLICT (sku) DO UPDATE SET n = c.n + excluded.n"},
		run:    sends("INSERT INTO e_carts AS c (sku, n) VALUES ($1, $2) ON CONFLICT (sku) DO UPDATE SET n = c.n + excluded.n", "a", 1),
		kind:   onward.VerdictConflict, state: "42P10", severity: onward.Error, says: "there is no unique or exclusion constraint matching the ON CONFLICT " +
			"specification",
	},
	{
		name: "arbiter renamed", base: "CREATE TABLE e_named (sku text CONSTRAINT e_by_name UNIQUE, n int);",
		breaks: "-- here\nALTER TABLE e_named RENAME CONSTRAINT e_by_name TO e_by_sku;",
		safe:   "ALTER TABLE e_named ADD CONSTRAINT e_by_sku UNIQUE (sku);",
		query:  workload.Query{SQL: "INSERT INTO e_named (sku) VALUES ($1) ON CONFLICT ON CONSTRAINT e_by_name DO NOTHING"},
		run:    sends("INSERT INTO e_named (sku) VALUES ($1) ON CONFLICT ON CONSTRAINT e_by_name DO NOTHING", "a"),
		kind:   onward.VerdictConflict, state: "42704", severity: onward.Error, says: `constraint "e_by_name" for table "e_named" does not exist`,
	},
	{
		name: "new check", base: "CREATE TABLE f_items (id bigint PRIMARY KEY, price int);",
		breaks: "-- here\nALTER TABLE f_items ADD CONSTRAINT f_paid CHECK (price > 0) NOT VALID;",
		safe:   "ALTER TABLE f_items ADD COLUMN cents int CHECK (cents > 0);",
		query:  workload.Query{SQL: "INSERT INTO f_items (id, price) VALUES ($1, $2)"}, run: sends("INSERT INTO f_items (id, price) SELECT count(*), $1 FROM f_items", 0),
		kind: onward.VerdictRejected, state: "23514", severity: onward.Warning, says: `new row for relation "f_items" violates check constraint "f_paid"`,
	},
	{
		name: "new unique index", base: "CREATE TABLE f_tags (id bigint GENERATED ALWAYS AS IDENTITY, tag text);",
		breaks: "-- here\nCREATE UNIQUE INDEX f_tags_tag ON f_tags (tag);",
		safe:   "CREATE INDEX f_tags_tag ON f_tags (tag);", between: "TRUNCATE f_tags; INSERT INTO f_tags (tag) VALUES ('a')",
		query: workload.Query{SQL: "INSERT INTO f_tags (tag) VALUES ($1)"}, run: sends("INSERT INTO f_tags (tag) VALUES ($1)", "a"),
		kind: onward.VerdictRejected, state: "23505", severity: onward.Warning, says: `duplicate key value violates unique constraint "f_tags_tag"`,
	},
	{
		name: "new foreign key", base: "CREATE TABLE f_accounts (id bigint PRIMARY KEY); CREATE TABLE f_bills (id bigint, account bigint);",
		breaks: "-- here\nALTER TABLE f_bills ADD CONSTRAINT f_bills_account FOREIGN KEY (account) REFERENCES f_accounts NOT VALID;",
		safe:   "ALTER TABLE f_bills ADD COLUMN account_id bigint REFERENCES f_accounts;",
		query:  workload.Query{SQL: "UPDATE f_bills SET account = $1"}, between: "INSERT INTO f_bills VALUES (1)", run: sends("UPDATE f_bills SET account = $1", 7),
		kind: onward.VerdictRejected, state: "23503", severity: onward.Warning, says: `insert or update on table "f_bills" violates foreign key constraint "f_bills_account"`,
	},
	{
		name: "new foreign key to it", base: "CREATE TABLE f_cities (id bigint PRIMARY KEY); INSERT INTO f_cities VALUES (1);",
		breaks: "-- here\nCREATE TABLE f_streets (city bigint CONSTRAINT f_streets_city REFERENCES f_cities);",
		safe:   "CREATE TABLE f_streets (city bigint REFERENCES f_cities ON DELETE CASCADE);", between: "INSERT INTO f_cities VALUES (2) ON CONFLICT DO NOTHING; " +
			"INSERT INTO f_streets VALUES (2)",
		query: workload.Query{SQL: "DELETE FROM f_cities WHERE id = $1"}, run: sends("DELETE FROM f_cities WHERE id = $1", 2),
		kind: onward.VerdictRejected, state: "23503", severity: onward.Warning, says: `update or delete on table "f_cities" violates foreign key constraint "f_streets_city" on table "f_streets"`,
	},
	{
		name: "new NOT NULL", base: "CREATE TABLE f_mails (id bigint, subject text);",
		breaks: "-- here\nALTER TABLE f_mails ALTER COLUMN subject SET NOT NULL;",
		safe:   "ALTER TABLE f_mails ALTER COLUMN subject SET DEFAULT '';",
		query:  workload.Query{SQL: "INSERT INTO f_mails (id, subject) VALUES ($1, $2)"}, between: "TRUNCATE f_mails", run: sends("INSERT INTO f_mails (id, subject) VALUES ($1, $2)", 1, "x"),
		kind: onward.VerdictRejected, state: "23502", severity: onward.Warning, says: `null value in column "subject" of relation "f_mails" violates not-null constraint`,
	},
	{
		name: "new condition of a domain", base: "CREATE DOMAIN f_zip AS text; CREATE TABLE f_places (id bigint, zip f_zip);",
		breaks: "-- here\nALTER DOMAIN f_zip ADD CONSTRAINT f_five CHECK (length(VALUE) = 5) NOT VALID;",
		safe:   "CREATE DOMAIN f_zip5 AS text CHECK (length(VALUE) = 5);",
		query:  workload.Query{SQL: "INSERT INTO f_places (id, zip) VALUES ($1, $2)"}, run: sends("INSERT INTO f_places (id, zip) VALUES ($1, $2)", 1, "12"),
		kind: onward.VerdictRejected, state: "23514", severity: onward.Warning, says: `value for domain f_zip violates check constraint "f_five"`,
	},
	{
		name: "row security", base: "CREATE TABLE f_notes (id bigint, owner text); GRANT ALL ON f_notes TO verify_app;",
		breaks: "CREATE POLICY f_own ON f_notes USING (owner = current_user);\n-- here\nALTER TABLE f_notes ENABLE ROW LEVEL SECURITY;",
		safe:   "CREATE POLICY f_all ON f_notes USING (true);",
		query: workload.Query{
			SQL:  "INSERT INTO f_notes (id, owner) VALUES ($1, $2)",
			Role: "verify_app",
		}, run: as("verify_app", "INSERT INTO f_notes (id, owner) VALUES ($1, $2)", 1, "x"),
		kind: onward.VerdictRejected, state: "42501", severity: onward.Warning, says: `new row violates row-level security policy for table "f_notes"`,
	},
	{
		name: "new label of an enum", base: "CREATE TYPE g_mood AS ENUM ('fine', 'sad'); CREATE TABLE g_people (id bigint, feels g_mood); " +
			"INSERT INTO g_people VALUES (1, 'fine');",
		breaks: "-- here\nALTER TYPE g_mood ADD VALUE 'meh';",
		safe:   "CREATE TYPE g_mood2 AS ENUM ('fine', 'sad', 'meh');\nALTER TABLE g_people ADD COLUMN feels2 g_mood2 DEFAULT 'meh';",
		query:  workload.Query{SQL: "SELECT feels FROM g_people"}, run: moods,
		kind: onward.VerdictUnreadable, severity: onward.Warning, says: `column "feels" of the result may be "meh", a new label of g_mood`,
	},
	{
		name: "privilege revoked", base: "CREATE TABLE h_secrets (id bigint, word text); GRANT SELECT ON h_secrets TO verify_app;",
		breaks: "-- here\nREVOKE SELECT ON h_secrets FROM verify_app;",
		safe:   "REVOKE SELECT ON h_secrets FROM verify_app;\nGRANT SELECT (word) ON h_secrets TO verify_app;",
		query:  workload.Query{SQL: "SELECT word FROM h_secrets", Role: "verify_app"}, run: as("verify_app", "SELECT word FROM h_secrets"),
		kind: onward.VerdictPermission, state: "42501", severity: onward.Error, says: "permission denied for table h_secrets",
	},
	{
		name: "index gone", base: "CREATE TABLE i_events (id bigint, at bigint); CREATE INDEX i_events_at ON i_events (at);",
		breaks: "-- here\nDROP INDEX i_events_at;",
		safe:   "CREATE INDEX i_events_at_id ON i_events (at, id);\nDROP INDEX i_events_at;",
		query:  workload.Query{SQL: "SELECT id FROM i_events WHERE at = $1"}, run: indexed("SELECT id FROM i_events WHERE at = 7"),
		kind: onward.VerdictLostIndex, severity: onward.Warning, says: `table "i_events" is read whole`,
	},
}
