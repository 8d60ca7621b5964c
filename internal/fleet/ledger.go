package fleet

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/acl"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/ownschema"
	"github.com/onward-sql/onward/internal/queue"
)

// ledgerMark is the comment of the ledger's schema. A release of onward that does not know the comment leaves the schema alone.
const ledgerMark = "onward fleet 1"

// ledgerTables create the ledger. The column schema of a target is the OID of a schema, which a new name does not change; 0 for a whole
// database. system identifies the server and the database: a restored copy has others, and new OIDs.
var ledgerTables = []string{
	`CREATE SCHEMA IF NOT EXISTS onward_fleet`,
	`COMMENT ON SCHEMA onward_fleet IS '` + ledgerMark + `'`,
	`CREATE TABLE IF NOT EXISTS onward_fleet.release (
		name text PRIMARY KEY, work text NOT NULL, system text NOT NULL, paused text NOT NULL DEFAULT '', who text NOT NULL,
		began timestamptz NOT NULL DEFAULT clock_timestamp())`,
	`CREATE TABLE IF NOT EXISTS onward_fleet.target (
		release text NOT NULL REFERENCES onward_fleet.release, schema oid NOT NULL, name text NOT NULL, state text NOT NULL, attempts int NOT NULL DEFAULT 0,
		holder text NOT NULL DEFAULT '', pid int, backend timestamptz, sessions jsonb NOT NULL DEFAULT '[]', exit_code int NOT NULL DEFAULT 0,
		note text NOT NULL DEFAULT '', who text NOT NULL, began timestamptz, ended timestamptz, PRIMARY KEY (release, schema))`,
	// A process that takes a target looks for other releases on it.
	`CREATE INDEX IF NOT EXISTS target_schema ON onward_fleet.target (schema)`,
	acl.SetOwnerAlone(acl.Schema, "onward_fleet"), acl.SetOwnerAlone(acl.NewContent, "onward_fleet"),
}

// schemaExists is the number of statements of ledgerTables after which the schema exists.
const schemaExists = 1

// ledgerLock is the key of the advisory lock for creating the ledger: "fleet" in ASCII.
const ledgerLock = 0x666c656574

// OtherLedgerError says that the schema of the ledger is not one of this release.
type OtherLedgerError struct{ Comment string }

// Error names the comment.
func (e *OtherLedgerError) Error() string {
	return fmt.Sprintf("the schema onward_fleet says %q, and this release knows %q: run the release of onward that made it, or a newer one", e.Comment, ledgerMark)
}

// hasLedger reports whether a database has a ledger.
func hasLedger(ctx context.Context, conn *pgx.Conn) (bool, error) {
	var comment string
	err := conn.QueryRow(ctx, `SELECT coalesce(obj_description(oid, 'pg_namespace'), '') FROM pg_catalog.pg_namespace
		WHERE nspname = 'onward_fleet'`).Scan(&comment)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, nil
	case err == nil && comment != ledgerMark:
		return false, &OtherLedgerError{comment}
	case err != nil:
		return false, err
	}
	return true, checkLedger(ctx, conn)
}

// inventory has what the server holds about the schema. A test compares it with what the statements create on each version of Postgres.
//
//go:embed inventory.txt
var inventory string

// checkLedger returns an [*ownschema.PlantedError] if the ledger must not be used.
func checkLedger(ctx context.Context, conn *pgx.Conn) error {
	s := ownschema.Schema{Name: "onward_fleet", Inventory: strings.Split(strings.TrimSpace(inventory), "\n")}
	return s.Check(ctx, conn, "")
}

// createLedger creates the ledger, if the database has none.
func createLedger(ctx context.Context, conn *pgx.Conn) error {
	for {
		exists, err := hasLedger(ctx, conn)
		if exists || err != nil {
			return err
		}
		err = inTransaction(ctx, conn, func() error {
			var locked bool
			if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1)", int64(ledgerLock)).Scan(&locked); err != nil || !locked {
				return err
			}
			for i, sql := range ledgerTables {
				if i == schemaExists { // perhaps made by somebody else meanwhile
					if err := checkLedger(ctx, conn); err != nil {
						return err
					}
				}
				if _, err := conn.Exec(ctx, sql); err != nil {
					return fmt.Errorf("make the schema onward_fleet: %w", err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := queue.Pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// inTransaction runs f in a transaction of its own. A lock in the ledger is held for an instant.
func inTransaction(ctx context.Context, conn *pgx.Conn, f func() error) error {
	return live.InOwnTransaction(ctx, conn, "SET LOCAL lock_timeout = '5s'", f)
}

// ChangedError says that a release of this name was begun with other work.
type ChangedError struct{ Release string }

// Error names the release.
func (e *ChangedError) Error() string {
	return fmt.Sprintf("the release %q was begun with another command, plan or search_path: repeat that one, or give this one a name of its own with --release",
		e.Release)
}

// insertRelease records a release, unless it is recorded. work is "" if it was not begun.
func (d *database) insertRelease(ctx context.Context, conn *pgx.Conn, release, work, actor string) error {
	_, err := conn.Exec(ctx, "INSERT INTO onward_fleet.release (name, work, system, who) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", release, work,
		d.identity(), actor)
	return err
}

// beginRelease records a release in a database, or compares it with the one that is recorded there.
func (c *Config) beginRelease(ctx context.Context, conn *pgx.Conn, d *database) error {
	if err := createLedger(ctx, conn); err != nil {
		return err
	}
	system := d.identity()
	return inTransaction(ctx, conn, func() error {
		if err := d.insertRelease(ctx, conn, c.Release, c.Digest, c.Who); err != nil {
			return err
		}
		var work, before string
		if err := conn.QueryRow(ctx, "SELECT work, system FROM onward_fleet.release WHERE name = $1 FOR NO KEY UPDATE", c.Release).Scan(&work, &before); err != nil {
			return err
		}
		switch work {
		case c.Digest:
		case "": // it was paused, or a target was skipped, before it was begun
			if _, err := conn.Exec(ctx, "UPDATE onward_fleet.release SET work = $2, began = clock_timestamp() WHERE name = $1", c.Release, c.Digest); err != nil {
				return err
			}
		default:
			return &ChangedError{c.Release}
		}
		if before == system {
			return nil
		}
		return adaptRestoredLedger(ctx, conn, system)
	})
}

// adaptRestoredLedger adapts the ledger of a restored database: its schemas have their names, and other OIDs.
func adaptRestoredLedger(ctx context.Context, conn *pgx.Conn, system string) error {
	for _, sql := range []string{
		`DELETE FROM onward_fleet.target AS t WHERE schema <> 0 AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace AS n WHERE n.nspname = t.name)`,
		// The OIDs of the old and of the new database may overlap.
		`WITH old AS (DELETE FROM onward_fleet.target WHERE schema <> 0 RETURNING *)
			SELECT set_config('onward.moved', coalesce(jsonb_agg(old), '[]')::text, true) FROM old`,
		`INSERT INTO onward_fleet.target SELECT (jsonb_populate_record(NULL::onward_fleet.target, m || jsonb_build_object('schema', n.oid, 'holder', ''))).*
			FROM jsonb_array_elements(current_setting('onward.moved')::jsonb) AS m JOIN pg_catalog.pg_namespace AS n ON n.nspname = m->>'name'`,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	_, err := conn.Exec(ctx, "UPDATE onward_fleet.release SET system = $1", system)
	return err
}
