package fleet

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/live"

	"github.com/onward-sql/onward/onward"
)

// claim is the answer of the ledger to a process that wants to work on a target.
type claim struct {
	state  onward.RolloutState // RolloutRunning if this process has the target now
	holder string              // who works on it
	paused string              // who paused the release
	other  bool                // holder works on another release
	before bool                // sessions of an earlier command are recorded
}

// holderIsAlive is true if the session of a row's holder exists. Another role's session has no visible start.
const holderIsAlive = `(t.holder <> '' AND EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS a
	WHERE a.pid = t.pid AND (a.backend_start = t.backend OR a.backend_start IS NULL)))`

// oldSessions selects the sessions of a row's commands that still exist.
const oldSessions = `SELECT a.pid FROM onward_fleet.target AS t, jsonb_to_recordset(t.sessions) AS s (pid int, began timestamptz)
	JOIN pg_catalog.pg_stat_activity AS a ON a.pid = s.pid AND a.backend_start IS NOT DISTINCT FROM s.began WHERE t.release = $1 AND t.schema = $2::bigint::oid`

// claimTarget takes a target, unless it is done, skipped, or another process works on it. With includeFinished it takes also a target that is
// done or skipped.
func (c *Config) claimTarget(ctx context.Context, t *Target, includeFinished bool) (out claim, err error) {
	d := t.database
	err = d.withSession(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		if !d.created {
			if err := c.beginRelease(ctx, conn, d); err != nil {
				return err
			}
			d.created = true
		}
		return inTransaction(ctx, conn, func() error {
			out, err = c.lockTarget(ctx, conn, t)
			if err != nil || out.paused != "" {
				return err
			}
			switch out.state {
			case onward.RolloutRunning:
				return nil
			case onward.RolloutDone, onward.RolloutSkipped:
				if !includeFinished {
					out.holder, out.other = "", false
					return nil
				}
			}
			if out.other {
				out.state = onward.RolloutRunning
				return nil
			}
			_, err := conn.Exec(ctx, `UPDATE onward_fleet.target SET state = 'running', attempts = attempts + 1, holder = $3, pid = pg_backend_pid(), who = $4,
				note = '', exit_code = 0, backend = (SELECT backend_start FROM pg_catalog.pg_stat_activity WHERE pid = pg_backend_pid()),
				began = coalesce(began, clock_timestamp()), ended = NULL WHERE release = $1 AND schema = $2::bigint::oid`, c.Release, int64(t.schemaOID), d.holder, c.Who)
			out.state = onward.RolloutRunning
			out.holder = ""
			return err
		})
	})
	return out, err
}

// targetLock is the first key of the advisory lock of a target; the second one is the OID of its schema: "tgt" in ASCII.
const targetLock = 0x746774

// lockTarget locks the row of a target, which it makes if there is none.
func (c *Config) lockTarget(ctx context.Context, conn *pgx.Conn, t *Target) (out claim, err error) {
	var name string
	if err := conn.QueryRow(ctx, `SELECT paused, coalesce((SELECT nspname::text FROM pg_catalog.pg_namespace WHERE oid = $2::bigint::oid), '')
		FROM onward_fleet.release WHERE name = $1`, c.Release, int64(t.schemaOID)).Scan(&out.paused, &name); err != nil || out.paused != "" {
		return out, err
	}
	if name != t.Schema {
		return out, &goneError{t.Schema, name}
	}
	// Another release may be about to take it: two commands must not work on one schema.
	if _, err := conn.Exec(ctx, "SELECT pg_catalog.pg_advisory_xact_lock($1, $2)", int32(targetLock), int32(t.schemaOID)); err != nil {
		return out, err
	}
	var state string
	var alive, isHolder bool
	if err := conn.QueryRow(ctx, `INSERT INTO onward_fleet.target AS t (release, schema, name, state, who) VALUES ($1, $2::bigint::oid, $3, 'pending', $4)
		ON CONFLICT (release, schema) DO UPDATE SET name = excluded.name
		RETURNING t.state, t.who, jsonb_array_length(t.sessions) > 0, t.holder = $5, `+holderIsAlive, c.Release, int64(t.schemaOID), t.Schema, c.Who,
		t.database.holder).Scan(&state, &out.holder, &out.before, &isHolder, &alive); err != nil {
		return out, err
	}
	out.state = onward.RolloutState(state)
	if out.state == onward.RolloutRunning && (!alive || isHolder) { // isHolder: the connection was lost after the commit
		out.state = onward.RolloutInterrupted
	}
	if out.state == onward.RolloutRunning {
		return out, nil
	}
	var other string
	err = conn.QueryRow(ctx, `SELECT t.who || ', for the release ' || t.release FROM onward_fleet.target AS t
		WHERE t.schema = $2::bigint::oid AND t.release <> $1 AND t.state = 'running' AND `+holderIsAlive+` LIMIT 1`, c.Release, int64(t.schemaOID)).Scan(&other)
	if errors.Is(err, pgx.ErrNoRows) {
		return out, nil
	}
	out.holder, out.other = other, true
	return out, err
}

// checkSchemaExists returns a goneError if the schema of a target was dropped, also if another has its name now.
func checkSchemaExists(ctx context.Context, conn *pgx.Conn, t *Target) error {
	if t.Schema == "" {
		return nil
	}
	var name string
	err := conn.QueryRow(ctx, "SELECT nspname::text FROM pg_catalog.pg_namespace WHERE oid = $1::bigint::oid", int64(t.schemaOID)).Scan(&name)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return &goneError{schema: t.Schema}
	case err == nil && name != t.Schema:
		return &goneError{t.Schema, name}
	}
	return err
}

// sessionPatience limits how long the sessions of an earlier command may go on after they were ended.
const sessionPatience = time.Minute

// endOldSessions ends the sessions of a command whose onward has ended: their statements would go on, and may commit. It waits until they are
// gone.
func (c *Config) endOldSessions(ctx context.Context, t *Target) error {
	for end := time.Now().Add(sessionPatience); ; {
		var left int
		err := t.database.withSession(ctx, func(ctx context.Context, conn *pgx.Conn) error {
			return conn.QueryRow(ctx, `SELECT count(pg_catalog.pg_terminate_backend(pid)) FROM (`+oldSessions+`) AS old`, c.Release, int64(t.schemaOID)).Scan(&left)
		})
		if err != nil {
			return fmt.Errorf("end the sessions of the interrupted command: %w", err)
		}
		if left == 0 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d sessions of the interrupted command do not end", left)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// recordSession records the server process of a command's session, before the command can change anything in it.
func (c *Config) recordSession(ctx context.Context, t *Target, pid int) error {
	err := c.insertSession(ctx, t, pid)
	if isConnectionLost(err) {
		err = c.insertSession(ctx, t, pid)
	}
	return err
}

// isConnectionLost reports whether a request failed because its connection was lost. Its transaction may have been committed.
func isConnectionLost(err error) bool {
	if err == nil {
		return false
	}
	refused := live.FindRefusal(err)
	return refused == nil || strings.HasPrefix(refused.Code, "57P")
}

func (c *Config) insertSession(ctx context.Context, t *Target, pid int) error {
	return t.database.withSession(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `UPDATE onward_fleet.target SET sessions = sessions || (SELECT jsonb_build_object('pid', pid, 'began', backend_start)
			FROM pg_catalog.pg_stat_activity WHERE pid = $4) WHERE release = $1 AND schema = $2::bigint::oid AND holder = $3
			AND EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE pid = $4)`, c.Release, int64(t.schemaOID), t.database.holder, pid)
		return err
	})
}

// errTakenOver says that another process has taken a target over.
var errTakenOver = errors.New("another onward process has taken this target over")

// finishTarget records the end of the work on a target. RolloutPending is the end of a slice: the attempt goes on with the next one.
func (c *Config) finishTarget(ctx context.Context, t *Target, state onward.RolloutState, exitCode int, note string) error {
	return t.database.withSession(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		tag, err := conn.Exec(ctx, `UPDATE onward_fleet.target SET state = $4, exit_code = $5, note = $6, holder = '', pid = NULL, backend = NULL,
			sessions = CASE WHEN $4 = 'done' THEN '[]' ELSE sessions END, ended = CASE WHEN $4 <> 'pending' THEN clock_timestamp() END,
			attempts = attempts - CASE WHEN $4 = 'pending' THEN 1 ELSE 0 END
			WHERE release = $1 AND schema = $2::bigint::oid AND holder = $3`, c.Release, int64(t.schemaOID), t.database.holder, string(state), exitCode, note)
		if err != nil || tag.RowsAffected() > 0 {
			return err
		}
		var recorded bool // by an earlier attempt, whose connection was lost
		if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM onward_fleet.target WHERE release = $1 AND schema = $2::bigint::oid AND holder = ''
			AND state = $3 AND exit_code = $4 AND note = $5)`, c.Release, int64(t.schemaOID), string(state), exitCode, note).
			Scan(&recorded); err != nil || recorded {
			return err
		}
		return errTakenOver
	})
}

// renewHolder marks the targets of this process with a new session.
func renewHolder(ctx context.Context, conn *pgx.Conn, holder string) error {
	_, err := conn.Exec(ctx, `UPDATE onward_fleet.target SET pid = pg_backend_pid(),
		backend = (SELECT backend_start FROM pg_catalog.pg_stat_activity WHERE pid = pg_backend_pid()) WHERE holder = $1`, holder)
	return err
}
