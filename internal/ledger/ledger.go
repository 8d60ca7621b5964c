// Package ledger is onward's record in the database that it works on: the started plans, the progress of each step, the working
// process, and a log of all events.
//
// A step's changes and its ledger row are committed by one transaction. After a kill, a lost connection or a lost answer, onward reads the
// ledger and does not guess.
package ledger

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/onward-sql/onward/internal/acl"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/ownschema"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/queue"
)

// Schema is the ledger's schema in the target. A plan's cursors are in another schema, which is dropped with the plan.
const Schema = "onward_ledger"

// tables create the ledger, and upgrade an older one.
var tables = []string{
	`CREATE SCHEMA IF NOT EXISTS onward_ledger`,
	`COMMENT ON SCHEMA onward_ledger IS '` + mark + strconv.Itoa(version) + `'`,
	// epoch counts takeovers; only the newest epoch may commit.
	`CREATE TABLE IF NOT EXISTS onward_ledger.lease (
		one boolean PRIMARY KEY DEFAULT true CHECK (one), epoch bigint NOT NULL, holder text NOT NULL DEFAULT '',
		pid int, began timestamptz, direct boolean NOT NULL DEFAULT false, seen timestamptz)`,
	`INSERT INTO onward_ledger.lease (epoch) VALUES (0) ON CONFLICT DO NOTHING`,
	`CREATE TABLE IF NOT EXISTS onward_ledger.plan (
		id text PRIMARY KEY, name text NOT NULL, plan jsonb NOT NULL, search_path text NOT NULL, role text NOT NULL,
		state text NOT NULL, began timestamptz NOT NULL DEFAULT clock_timestamp(), ended timestamptz)`,
	`CREATE TABLE IF NOT EXISTS onward_ledger.step (
		plan text NOT NULL REFERENCES onward_ledger.plan, id text NOT NULL, number int NOT NULL, checksum text NOT NULL,
		state text NOT NULL, attempts int NOT NULL DEFAULT 0, rows bigint NOT NULL DEFAULT 0, epoch bigint NOT NULL,
		pid int, backend timestamptz, began timestamptz NOT NULL DEFAULT clock_timestamp(), ended timestamptz,
		waited interval NOT NULL DEFAULT '0', note text NOT NULL DEFAULT '', PRIMARY KEY (plan, id))`,
	// Commands from another terminal to a plan's backfills.
	`CREATE TABLE IF NOT EXISTS onward_ledger.control (
		plan text PRIMARY KEY REFERENCES onward_ledger.plan, state text NOT NULL DEFAULT '', rows int NOT NULL DEFAULT 0, batch interval NOT NULL DEFAULT '0',
		rest float8 NOT NULL DEFAULT -1, who text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp())`,
	// The progress of comparing the rows of a backfill. Keys are user data, which is never printed.
	`CREATE TABLE IF NOT EXISTS onward_ledger.verification (
		plan text NOT NULL REFERENCES onward_ledger.plan, step text NOT NULL, pass int NOT NULL, part int NOT NULL DEFAULT 0, cursor text[],
		rows bigint NOT NULL DEFAULT 0, wrong bigint NOT NULL DEFAULT 0, mended bigint NOT NULL DEFAULT 0, guards text NOT NULL,
		began timestamptz NOT NULL DEFAULT clock_timestamp(), clean timestamptz, PRIMARY KEY (plan, step))`,
	// The parts of a backfill that several workers share.
	`CREATE TABLE IF NOT EXISTS onward_ledger.range (
		plan text NOT NULL, step text NOT NULL, number int NOT NULL, cursor text[], through text[] NOT NULL, rows bigint NOT NULL DEFAULT 0,
		done boolean NOT NULL DEFAULT false, PRIMARY KEY (plan, step, number),
		FOREIGN KEY (plan, step) REFERENCES onward_ledger.step ON DELETE CASCADE)`,
	// Rows that a backfill has skipped, because their change fails.
	`CREATE TABLE IF NOT EXISTS onward_ledger.quarantine (
		id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, plan text NOT NULL REFERENCES onward_ledger.plan, step text NOT NULL, key text[] NOT NULL,
		code text NOT NULL, message text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp())`,
	// The lease of each schema that has plans of its own.
	`CREATE TABLE IF NOT EXISTS onward_ledger.schema_lease (
		schema oid PRIMARY KEY, epoch bigint NOT NULL DEFAULT 0, holder text NOT NULL DEFAULT '',
		pid int, began timestamptz, direct boolean NOT NULL DEFAULT false, seen timestamptz)`,
	// The plans that are for one schema. All others are for the whole database.
	`CREATE TABLE IF NOT EXISTS onward_ledger.schema_plan (
		schema oid NOT NULL, name text NOT NULL, plan text NOT NULL UNIQUE REFERENCES onward_ledger.plan ON DELETE CASCADE, PRIMARY KEY (schema, name, plan))`,
	// The schema in which a plan was begun, if it has another number or name now: schema_plan has these.
	`CREATE TABLE IF NOT EXISTS onward_ledger.schema_begun (
		plan text PRIMARY KEY REFERENCES onward_ledger.plan ON DELETE CASCADE, schema oid NOT NULL, name text NOT NULL)`,
	`CREATE INDEX IF NOT EXISTS schema_plan_name ON onward_ledger.schema_plan (name)`,
	// The tables of a plan, as its effects name them, with their OIDs.
	`CREATE TABLE IF NOT EXISTS onward_ledger.relation (
		plan text NOT NULL REFERENCES onward_ledger.plan ON DELETE CASCADE, name text NOT NULL, oid oid NOT NULL, PRIMARY KEY (plan, name))`,
	// The database whose numbers the ledger has: see [identity].
	`CREATE TABLE IF NOT EXISTS onward_ledger.origin (one boolean PRIMARY KEY DEFAULT true CHECK (one), system text NOT NULL)`,
	`INSERT INTO onward_ledger.origin (system) SELECT ` + identity + ` ON CONFLICT DO NOTHING`,
	// What the database had on the relations that a plan replaces, as the plan left it.
	`CREATE TABLE IF NOT EXISTS onward_ledger.inventory (
		plan text NOT NULL REFERENCES onward_ledger.plan ON DELETE CASCADE, relation text NOT NULL, entries jsonb NOT NULL,
		recorded timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (plan, relation))`,
	`CREATE TABLE IF NOT EXISTS onward_ledger.log (
		number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(),
		who text NOT NULL, plan text NOT NULL, step text NOT NULL DEFAULT '', event text NOT NULL, detail text NOT NULL DEFAULT '')`,
	// The process that wrote a line of the log.
	`CREATE TABLE IF NOT EXISTS onward_ledger.log_process (
		line bigint PRIMARY KEY REFERENCES onward_ledger.log ON DELETE CASCADE, role text NOT NULL, os_user text NOT NULL, host text NOT NULL,
		job text NOT NULL, link text NOT NULL, commit text NOT NULL)`,
	// A database with thousands of schemas has a long log.
	`CREATE INDEX IF NOT EXISTS log_plan ON onward_ledger.log (plan, number)`,
}

// NewestTable is the table that the ledger of the last version lacks.
const NewestTable = Schema + ".log_process"

// inventory has what the server holds about the schema. A test compares it with what the statements create on each version of Postgres.
//
//go:embed inventory.txt
var inventory string

// Check returns an [*ownschema.PlantedError] if the database has a ledger that must not be used: it belongs to somebody else, or others can
// have their code run by it. role runs the steps of a plan; "" for none.
func Check(ctx context.Context, conn Conn, role string) error {
	s := ownschema.Schema{Name: Schema, Inventory: strings.Split(strings.TrimSpace(inventory), "\n")}
	return s.Check(ctx, conn, role)
}

// TableStatements returns the statements that create the schema and its tables, for use elsewhere.
func TableStatements() (out []string) {
	for _, sql := range tables {
		if strings.HasPrefix(sql, "CREATE ") {
			out = append(out, sql)
		}
	}
	return out
}

// Conn is the part of a connection that the ledger needs.
type Conn interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// CreateLedger creates the ledger if the database has none, and adds what an older ledger lacks. Concurrent calls run one after the other. They
// poll for the lock, because a session that waits for it would block an index that is built concurrently. It returns the errors of [Check],
// and an [*OtherError]. role is the same as for [Check].
func CreateLedger(ctx context.Context, conn *pgx.Conn, role string) error {
	for {
		n, err := readVersion(ctx, conn)
		if err != nil {
			return err
		}
		if n == version {
			if err := Check(ctx, conn, role); err != nil {
				return err
			}
			return updateSchemaOIDs(ctx, conn)
		}
		created, err := createTables(ctx, conn, role)
		if created || err != nil {
			return err
		}
		if err := queue.Pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// lockKey is the key of the advisory lock for creating the ledger: "onward" in ASCII.
const lockKey = 0x6f6e77617264

// schemaExists is how many statements of the ledger make the schema, and no table.
const schemaExists = 1

func createTables(ctx context.Context, conn *pgx.Conn, role string) (created bool, err error) {
	err = live.InOwnTransaction(ctx, conn, "SET LOCAL lock_timeout = '1s'", func() error {
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1)", int64(lockKey)).Scan(&created); err != nil || !created {
			return err
		}
		setup := slices.Insert(slices.Clone(tables), schemaExists, acl.SetOwnerAlone(acl.Schema, Schema))
		for i, sql := range append(setup, acl.SetOwnerAlone(acl.NewContent, Schema)) {
			if i == schemaExists+1 { // perhaps made by somebody else meanwhile
				if err := Check(ctx, conn, role); err != nil {
					return err
				}
			}
			if _, err := conn.Exec(ctx, sql); err != nil {
				return fmt.Errorf("make the schema %s, or bring an older one up: %w", Schema, err)
			}
		}
		return nil
	})
	return created && err == nil, err
}

func rollBackTx(ctx context.Context, tx pgx.Tx) error {
	if err := tx.Rollback(ctx); err != nil && !errors.Is(err, pgx.ErrTxClosed) {
		return err
	}
	return nil
}

// version is the number of the ledger that this release creates. An older ledger is upgraded by adding what it lacks;
// existing objects keep their meaning. Any other ledger is left alone.
const version = 7

// mark is the beginning of the schema's comment, before the number.
const mark = "onward ledger "

// OtherError says that the database has a ledger that this release does not know.
type OtherError struct{ Version string }

// Error names both versions.
func (e *OtherError) Error() string {
	return fmt.Sprintf("the schema %s of this database says %q, and this release knows up to %q: run the release of onward that made it, or a newer one",
		Schema, e.Version, fmt.Sprint(mark, version))
}

// readVersion returns the version of a database's ledger, 0 for none. The error is an [*OtherError] for one that this
// release does not know.
func readVersion(ctx context.Context, conn Conn) (int, error) {
	var comment string
	err := conn.QueryRow(ctx, `SELECT coalesce(obj_description(oid, 'pg_namespace'), '') FROM pg_namespace WHERE nspname = $1`, Schema).Scan(&comment)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return 0, nil
	case err != nil:
		return 0, err
	}
	text, ok := strings.CutPrefix(comment, mark)
	n, err := strconv.Atoi(text)
	if !ok || err != nil || n < 1 || n > version {
		return 0, &OtherError{Version: comment}
	}
	return n, nil
}

// HasLedger reports whether the database has a ledger, including one of an older release. The error is an [*OtherError] for
// one that this release does not know, or an error of [Check].
func HasLedger(ctx context.Context, conn Conn) (bool, error) {
	n, err := readVersion(ctx, conn)
	if n == 0 || err != nil {
		return false, err
	}
	return true, Check(ctx, conn, "")
}

// MovedTable is a table of a plan that was renamed, or moved to another schema, since the plan began.
type MovedTable struct {
	// Name is its name in the plan, and Now its present name.
	Name, Now string
	// Taken: another relation has the name.
	Taken bool
}

// recordTables records the OIDs of a plan's tables by their names, such as "public.users".
const recordTables = `INSERT INTO onward_ledger.relation (plan, name, oid) SELECT $1, w.name, c.oid FROM unnest($2::text[]) AS w (name)
		JOIN pg_catalog.pg_namespace AS n ON starts_with(w.name, n.nspname || '.')
		JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND w.name = n.nspname || '.' || c.relname
	WHERE c.relkind IN ('r', 'p') AND NOT EXISTS (SELECT FROM onward_ledger.relation AS r WHERE r.plan = $1)`

// sameName is a relation n.c that has the recorded name of r.
const sameName = `FROM pg_catalog.pg_namespace AS n JOIN pg_catalog.pg_class AS c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
	WHERE pg_catalog.starts_with(r.name, n.nspname OPERATOR(pg_catalog.||) '.')
	AND r.name OPERATOR(pg_catalog.=) (n.nspname OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) c.relname)`

// FindMovedTables returns the tables of a plan that have another name now. The first call for a plan records which these are.
func FindMovedTables(ctx context.Context, conn Conn, plan string, names []string) ([]MovedTable, error) {
	if _, err := conn.Exec(ctx, recordTables, plan, names); err != nil {
		return nil, err
	}
	rows, _ := conn.Query(ctx, `SELECT r.name, n.nspname || '.' || c.relname, EXISTS (SELECT `+sameName+`)
		FROM onward_ledger.relation AS r JOIN pg_catalog.pg_class AS c ON c.oid = r.oid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
		WHERE r.plan = $1 AND r.name <> n.nspname || '.' || c.relname ORDER BY 1`, plan)
	return pgx.CollectRows(rows, pgx.RowToStructByPos[MovedTable])
}

// RecordTableRenamesSQL returns the statements that record, in the transaction of a step that renames tables, which of them has a recorded name now.
func RecordTableRenamesSQL(plan string) string {
	ofPlan := " WHERE r.plan OPERATOR(pg_catalog.=) " + pgparse.QuoteLiteral(plan)
	return "DELETE FROM onward_ledger.relation AS r" + ofPlan + " AND NOT EXISTS (SELECT " + sameName + ");\n" +
		"UPDATE onward_ledger.relation AS r SET oid = (SELECT c.oid " + sameName + ")" + ofPlan + ";\n"
}
