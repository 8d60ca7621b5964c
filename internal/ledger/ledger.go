// Package ledger is the memory that onward has in the database that it works on: which plans
// were begun there, how far each of their steps is, who is at work, and what was done when.
//
// What a step changes and the row that says so are committed by one transaction, so that
// after a kill, a cut line or a lost answer the ledger is asked, and nothing is guessed.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/queue"
)

// Schema is the one in the target. It is not that of a plan's cursors, which goes with the plan.
const Schema = "onward_ledger"

var tables = []string{
	`CREATE SCHEMA IF NOT EXISTS onward_ledger`,
	`COMMENT ON SCHEMA onward_ledger IS '` + mark + strconv.Itoa(version) + `'`,
	// epoch counts who was at work; only the last one may commit.
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
	// What somebody at another terminal wants of a plan's backfills.
	`CREATE TABLE IF NOT EXISTS onward_ledger.control (
		plan text PRIMARY KEY REFERENCES onward_ledger.plan, state text NOT NULL DEFAULT '', rows int NOT NULL DEFAULT 0, batch interval NOT NULL DEFAULT '0',
		rest float8 NOT NULL DEFAULT -1, who text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp())`,
	// How far the rows of a backfill are compared. Keys are values of the user's: nobody prints them.
	`CREATE TABLE IF NOT EXISTS onward_ledger.verification (
		plan text NOT NULL REFERENCES onward_ledger.plan, step text NOT NULL, pass int NOT NULL, part int NOT NULL DEFAULT 0, cursor text[],
		rows bigint NOT NULL DEFAULT 0, wrong bigint NOT NULL DEFAULT 0, mended bigint NOT NULL DEFAULT 0, guards text NOT NULL,
		began timestamptz NOT NULL DEFAULT clock_timestamp(), clean timestamptz, PRIMARY KEY (plan, step))`,
	// Rows that a backfill has passed over, because their change fails.
	`CREATE TABLE IF NOT EXISTS onward_ledger.quarantine (
		id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, plan text NOT NULL REFERENCES onward_ledger.plan, step text NOT NULL, key text[] NOT NULL,
		code text NOT NULL, message text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp())`,
	`CREATE TABLE IF NOT EXISTS onward_ledger.log (
		number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(),
		who text NOT NULL, plan text NOT NULL, step text NOT NULL DEFAULT '', event text NOT NULL, detail text NOT NULL DEFAULT '')`,
}

// Tables are the statements that create the schema and its tables, for whoever needs them elsewhere.
func Tables() (out []string) {
	for _, sql := range tables {
		if strings.HasPrefix(sql, "CREATE ") {
			out = append(out, sql)
		}
	}
	return out
}

// Conn is what the ledger needs of a connection.
type Conn interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Make makes the ledger where the database has none, and adds to an older release's what it lacks. Two that make it at once do so one after
// the other: the lock is asked for again and again, for who waits for it would hold up an
// index that is built concurrently.
func Make(ctx context.Context, conn *pgx.Conn) error {
	for {
		n, err := versionOf(ctx, conn)
		if n == version || err != nil {
			return err
		}
		made, err := build(ctx, conn)
		if made || err != nil {
			return err
		}
		if err := queue.Pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// lockKey is that of whoever makes the ledger: "onward" in ASCII.
const lockKey = 0x6f6e77617264

func build(ctx context.Context, conn *pgx.Conn) (made bool, err error) {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: live.BeginOwn()})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, rollback(ctx, tx)) }()
	if err := tx.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1)", int64(lockKey)).Scan(&made); err != nil || !made {
		return false, err
	}
	for _, sql := range append([]string{"SET LOCAL lock_timeout = '1s'"}, tables...) {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return false, fmt.Errorf("make the schema %s, or bring an older one up: %w", Schema, err)
		}
	}
	return true, tx.Commit(ctx)
}

func rollback(ctx context.Context, tx pgx.Tx) error {
	if err := tx.Rollback(ctx); err != nil && !errors.Is(err, pgx.ErrTxClosed) {
		return err
	}
	return nil
}
