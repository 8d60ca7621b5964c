package fleet

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/acl"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/ownschema"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
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

// Pause records in each database of the targets that a release is paused: no further target begins. An empty actor resumes it.
func Pause(ctx context.Context, list []*Target, release, actor string) error {
	event := "release paused"
	if actor == "" {
		event = "release resumed"
	}
	entry := &ledger.Entry{Who: cmp.Or(actor, "onward fleet resume"), Event: event, Detail: release}
	return writeLedgers(ctx, list, entry, func(ctx context.Context, conn *pgx.Conn, d *database) error {
		if err := d.insertRelease(ctx, conn, release, "", actor); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, "UPDATE onward_fleet.release SET paused = $2 WHERE name = $1", release, actor)
		return err
	})
}

// Skip records that targets are left out of a release, and why. A target that is done, or on which a process works, is refused.
func Skip(ctx context.Context, list []*Target, release, reason, actor string) error {
	for _, t := range list {
		if err := skipTarget(ctx, t, release, reason, actor); err != nil {
			return fmt.Errorf("%s: %w", t.Name, redactTarget(err, t))
		}
	}
	return nil
}

func skipTarget(ctx context.Context, t *Target, release, reason, actor string) error {
	entry := &ledger.Entry{Who: actor, Event: "target skipped", Detail: release + ": " + t.Name + ": " + reason}
	return writeTarget(ctx, t, release, entry, func(ctx context.Context, conn *pgx.Conn, state onward.RolloutState) error {
		if state == onward.RolloutDone {
			return newInputError("it is done, so it cannot be skipped")
		}
		_, err := conn.Exec(ctx, `UPDATE onward_fleet.target SET state = 'skipped', note = $3, who = $4, holder = '', ended = clock_timestamp()
			WHERE release = $1 AND schema = $2::bigint::oid`, release, int64(t.schemaOID), reason, actor)
		return err
	})
}

// Retry records that a target which failed or was skipped is pending again. The next process that runs the release tries it.
func Retry(ctx context.Context, t *Target, release, actor string) error {
	entry := &ledger.Entry{Who: actor, Event: "target tried again", Detail: release + ": " + t.Name}
	err := writeTarget(ctx, t, release, entry, func(ctx context.Context, conn *pgx.Conn, state onward.RolloutState) error {
		if state == onward.RolloutDone {
			return newInputError("it is done, so it is not tried again")
		}
		_, err := conn.Exec(ctx, `UPDATE onward_fleet.target SET state = 'pending', note = '', who = $3, holder = '', ended = NULL
			WHERE release = $1 AND schema = $2::bigint::oid`, release, int64(t.schemaOID), actor)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", t.Name, redactTarget(err, t))
	}
	return nil
}

// writeTarget calls f in a transaction that has locked the row of a target, unless a process works on it.
func writeTarget(ctx context.Context, t *Target, release string, entry *ledger.Entry,
	f func(ctx context.Context, conn *pgx.Conn, state onward.RolloutState) error) error {
	actor := entry.Who
	if t.database == nil {
		identifyTargets(ctx, []*Target{t}, actor)
	}
	if t.problem != nil {
		return t.problem
	}
	return writeLedgers(ctx, []*Target{t}, entry, func(ctx context.Context, conn *pgx.Conn, d *database) error {
		if err := d.insertRelease(ctx, conn, release, "", actor); err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, `INSERT INTO onward_fleet.target (release, schema, name, state, who) VALUES ($1, $2::bigint::oid, $3, 'pending', $4)
			ON CONFLICT DO NOTHING`, release, int64(t.schemaOID), t.Schema, actor); err != nil {
			return err
		}
		var state onward.RolloutState
		var alive bool
		if err := conn.QueryRow(ctx, `SELECT t.state, `+holderIsAlive+` FROM onward_fleet.target AS t WHERE t.release = $1 AND t.schema = $2::bigint::oid FOR UPDATE`,
			release, int64(t.schemaOID)).Scan(&state, &alive); err != nil {
			return err
		}
		if state == onward.RolloutRunning && alive {
			return newInputError("a process works on it at the moment")
		}
		return f(ctx, conn, state)
	})
}

// writeLedgers calls f in a transaction for each database of the targets, with the ledger created, and writes a line of the audit trail.
func writeLedgers(ctx context.Context, list []*Target, entry *ledger.Entry, f func(ctx context.Context, conn *pgx.Conn, d *database) error) error {
	identifyMissing(ctx, list)
	byDatabase := map[*database]*Target{}
	var failed []error
	for _, t := range list {
		if t.problem != nil && !isGoneError(t.problem) {
			failed = append(failed, fmt.Errorf("%s: %w", t.Name, redactTarget(t.problem, t)))
		} else if t.problem == nil {
			byDatabase[t.database] = t
		}
	}
	var mu sync.Mutex
	forEachKey(byDatabase, func(d *database) {
		err := d.withSession(ctx, func(ctx context.Context, conn *pgx.Conn) error {
			if err := createLedger(ctx, conn); err != nil {
				return err
			}
			return inTransaction(ctx, conn, func() error { return f(ctx, conn, d) })
		})
		if err == nil {
			err = d.withSession(ctx, func(ctx context.Context, conn *pgx.Conn) error { return logCommand(ctx, conn, entry) })
		}
		d.session.Close(ctx)
		if err != nil {
			mu.Lock()
			defer mu.Unlock()
			failed = append(failed, redactTarget(err, byDatabase[d]))
		}
	})
	return errors.Join(failed...)
}

// logCommand writes a line of the audit trail. A role that may not write there has none.
func logCommand(ctx context.Context, conn *pgx.Conn, entry *ledger.Entry) error {
	err := ledger.CreateLedger(ctx, conn, "")
	if err == nil {
		err = ledger.WriteLog(ctx, conn, entry)
	}
	if refused := live.FindRefusal(err); refused != nil && refused.Code == "42501" {
		return nil
	}
	return err
}

// identifyMissing identifies the targets that were not identified yet.
func identifyMissing(ctx context.Context, list []*Target) {
	var missing []*Target
	for _, t := range list {
		if t.database == nil {
			missing = append(missing, t)
		}
	}
	identifyTargets(ctx, missing, "")
}
