package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/onward"
)

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
