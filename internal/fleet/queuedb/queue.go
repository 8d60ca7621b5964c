// Package queuedb carries a release out on many targets by workers on many machines. A queue database has the release, its
// targets in waves, and River's jobs; the ledger in each target decides what is done. So the queue may be lost and made again.
//
// Waves, the stop rule and the limits are decided in [Queue.dispatch], under a lock of the queue database: River's own
// workflows and limits are not free. A job is one slice of the work on one target.
package queuedb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/acl"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/ownschema"
	"github.com/onward-sql/onward/onward"
)

// schemaName is the schema of the queue's tables, and of River's.
const schemaName = "onward_queue"

// schemaMark is the comment of the schema. A release of onward that does not know the comment leaves the schema alone.
const schemaMark = "onward queue 1"

// schemaTables create the queue. A target in the state running has a job: run is its number. holder and seen are the worker
// and its last heartbeat; they are empty between two slices. wanted is false for targets that the last command did not name.
var schemaTables = []string{
	`CREATE SCHEMA IF NOT EXISTS onward_queue`,
	`CREATE SEQUENCE IF NOT EXISTS onward_queue.run`,
	`CREATE TABLE IF NOT EXISTS onward_queue.rollout (
		id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, release text NOT NULL UNIQUE, work text NOT NULL, settings text NOT NULL, body text NOT NULL,
		waves text[] NOT NULL, sizes int[] NOT NULL, state text NOT NULL, why text NOT NULL DEFAULT '', late int NOT NULL DEFAULT 0, who text NOT NULL,
		began timestamptz NOT NULL DEFAULT clock_timestamp(), ended timestamptz)`,
	`CREATE TABLE IF NOT EXISTS onward_queue.target (
		rollout bigint NOT NULL REFERENCES onward_queue.rollout ON DELETE CASCADE, name text NOT NULL, wave int NOT NULL, position int NOT NULL,
		server text NOT NULL, wanted bool NOT NULL, state text NOT NULL, note text NOT NULL DEFAULT '', exit_code int NOT NULL DEFAULT 0,
		run bigint, job bigint, long bool NOT NULL DEFAULT false, holder text NOT NULL DEFAULT '', seen timestamptz,
		step text NOT NULL DEFAULT '', waited float8 NOT NULL DEFAULT 0, away timestamptz, ended timestamptz, PRIMARY KEY (rollout, name))`,
	`CREATE INDEX IF NOT EXISTS target_open ON onward_queue.target (rollout, wave, position) WHERE wanted AND state IN ('pending', 'running')`,
	`CREATE INDEX IF NOT EXISTS target_running ON onward_queue.target (server) WHERE state = 'running'`,
	`CREATE INDEX IF NOT EXISTS target_failed ON onward_queue.target (rollout, wave) WHERE wanted AND state IN ('failed', 'unreachable')`,
	`COMMENT ON SCHEMA onward_queue IS '` + schemaMark + `'`,
	acl.SetOwnerAlone(acl.Schema, schemaName), acl.SetOwnerAlone(acl.NewContent, schemaName),
}

// Keys of advisory locks: "queue" and "tick" in ASCII.
const (
	schemaLock   = 0x7175657565
	dispatchLock = 0x7469636b
)

// Queue is an open queue database.
type Queue struct {
	pool   *pgxpool.Pool
	insert *river.Client[pgx.Tx] // only inserts jobs
	pooled bool                  // a pooler shares its sessions, so nothing can listen
	logger *slog.Logger

	leftAlone map[int64]bool // releases of another version of onward; only used by dispatch
}

// Address is where a queue database is.
type Address struct {
	URL string
	// Read reads the address again from its place, because its password may change; nil if it has no other place.
	Read func() (string, error)
}

// OtherQueueError says that the schema of the queue is not one of this release.
type OtherQueueError struct{ Comment string }

// Error names the comment.
func (e *OtherQueueError) Error() string {
	return fmt.Sprintf("the schema onward_queue says %q, and this release knows %q: run the release of onward that made it, or a newer one", e.Comment, schemaMark)
}

// Open opens a queue database, and makes its tables if there are none. The error is an *address.Error, a *live.ServerError or an
// [*OtherQueueError].
func Open(ctx context.Context, queueAddress Address, sessions int, logger *slog.Logger) (*Queue, error) {
	q, err := connectQueue(ctx, queueAddress, sessions, logger)
	if err != nil {
		return nil, err
	}
	if err = q.createTables(ctx); err == nil {
		q.insert, err = river.NewClient(riverpgxv5.New(q.pool), &river.Config{Schema: schemaName, Logger: q.riverLogger(), FetchCooldown: notifyPause})
	}
	if err != nil {
		q.Close()
		return nil, address.RedactError(err, queueAddress.URL)
	}
	return q, nil
}

// OpenReader opens a queue database for reading, and changes nothing there. The error is a *config.InputError if it has no queue, or one of
// those of [Open].
func OpenReader(ctx context.Context, queueAddress Address, sessions int, logger *slog.Logger) (*Queue, error) {
	q, err := connectQueue(ctx, queueAddress, sessions, logger)
	if err != nil {
		return nil, err
	}
	err = q.inTransaction(ctx, func(tx pgx.Tx) error { return checkSchema(ctx, tx) })
	if errors.Is(err, pgx.ErrNoRows) {
		err = &config.InputError{Err: errors.New("the queue database has no queue: onward fleet worker makes one")}
	}
	if err != nil {
		q.Close()
		return nil, address.RedactError(err, queueAddress.URL)
	}
	return q, nil
}

// connectQueue returns a queue whose tables were not looked at.
func connectQueue(ctx context.Context, queueAddress Address, sessions int, logger *slog.Logger) (*Queue, error) {
	url := queueAddress.URL
	q := &Queue{logger: logger, leftAlone: map[int64]bool{}}
	shared, err := live.SharesSession(ctx, url)
	if err != nil {
		return nil, &live.ServerError{What: "open the queue", Err: address.RedactError(err, url)}
	}
	q.pooled = shared
	settings, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, &address.Error{}
	}
	settings.MaxConns = int32(sessions)
	settings.BeforeConnect = queueAddress.renewLogin
	settings.ConnConfig.RuntimeParams["application_name"] = "onward fleet (queue)"
	if shared {
		settings.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec // nothing is prepared in another client's session
	}
	if q.pool, err = pgxpool.NewWithConfig(ctx, settings); err != nil {
		return nil, address.RedactError(err, url)
	}
	return q, nil
}

// renewLogin gives a new session the user and the password that the address has now.
func (a Address) renewLogin(_ context.Context, c *pgx.ConnConfig) error {
	if a.Read == nil {
		return nil
	}
	if text, err := a.Read(); err == nil { // its place may be empty for a moment, while somebody writes it
		if fresh, err := pgx.ParseConfig(text); err == nil {
			c.User, c.Password = fresh.User, fresh.Password
		}
	}
	return nil
}

// Close closes the sessions.
func (q *Queue) Close() {
	if q.pool != nil {
		q.pool.Close()
	}
}

// createTables makes the schema, or brings River's tables up to date.
func (q *Queue) createTables(ctx context.Context) error {
	if err := q.lockSchema(ctx, func(tx pgx.Tx) error { return createSchema(ctx, tx) }); err != nil {
		return err
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(q.pool), &rivermigrate.Config{Schema: schemaName, Logger: q.riverLogger()})
	if err != nil {
		return err
	}
	return q.lockSchema(ctx, func(tx pgx.Tx) error {
		migration, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil) // in transactions of its own
		if err == nil && len(migration.Versions) > 0 {
			_, err = tx.Exec(ctx, acl.SetOwnerAlone(acl.Content, schemaName))
		}
		return err
	})
}

// lockSchema runs f while no other process changes the tables: two workers may begin at once.
func (q *Queue) lockSchema(ctx context.Context, f func(tx pgx.Tx) error) error {
	return q.inTransaction(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_catalog.pg_advisory_xact_lock($1)", int64(schemaLock)); err != nil {
			return err
		}
		return f(tx)
	})
}

// createSchema makes the schema, unless there is one that this release knows.
func createSchema(ctx context.Context, tx pgx.Tx) error {
	if err := checkSchema(ctx, tx); !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	for _, sql := range schemaTables {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return fmt.Errorf("make the schema onward_queue: %w", err)
		}
	}
	return checkSchema(ctx, tx)
}

// checkSchema returns an error for a schema that this release does not know, or must not use; pgx.ErrNoRows for none. River makes a part of
// its objects.
func checkSchema(ctx context.Context, tx pgx.Tx) error {
	var comment string
	if err := tx.QueryRow(ctx, `SELECT coalesce(obj_description(oid, 'pg_namespace'), '') FROM pg_catalog.pg_namespace
		WHERE nspname = $1`, schemaName).Scan(&comment); err != nil {
		return err
	}
	if comment != schemaMark {
		return &OtherQueueError{comment}
	}
	return (&ownschema.Schema{Name: schemaName, Program: true}).Check(ctx, tx, "")
}

// inTransaction runs f in a transaction of the queue database, under onward's own settings. If this process freezes, the server ends the
// transaction and its locks.
func (q *Queue) inTransaction(ctx context.Context, f func(tx pgx.Tx) error) error {
	ctx, stop := context.WithTimeout(ctx, queuePatience)
	defer stop()
	return q.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		begin := live.BeginOwn(conn.Conn()) + fmt.Sprintf("SET LOCAL idle_in_transaction_session_timeout = %d", queuePatience.Milliseconds())
		return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{BeginQuery: begin}, f)
	})
}

const (
	// queuePatience limits a request to the queue database.
	queuePatience = 30 * time.Second
	// notifyPause is the time in which River announces a queue's new jobs only once. A job without announcement is found a poll later.
	notifyPause = time.Millisecond
)

// maxLateWaves bounds how often the targets of a release are listed again.
const maxLateWaves = 3

// otherListWait is how long a worker with another list leaves the end of a release to workers with the same list.
const otherListWait = 5 * time.Second

// otherListNote says that no worker could list the targets again.
const otherListNote = "no worker has the --targets of this release, so targets that were created meanwhile are not known"

// finishRollouts ends releases without open targets.
func (w *Worker) finishRollouts(ctx context.Context, ended []*openRollout) (err error) {
	maps.DeleteFunc(w.unlisted, func(id int64, _ time.Time) bool {
		return !slices.ContainsFunc(ended, func(r *openRollout) bool { return r.id == id })
	})
	for _, r := range ended {
		err = errors.Join(err, w.finishRollout(ctx, r))
	}
	return err
}

// finishRollout ends a release, or continues it with the targets that were created meanwhile. If they cannot be listed, the release stays open
// for as long as a target may be away.
func (w *Worker) finishRollout(ctx context.Context, r *openRollout) error {
	end := rolloutEnd{state: onward.RolloutDone}
	if !r.settings.Late || r.late >= maxLateWaves {
		return w.queue.finishOrAddWave(ctx, r, nil, end)
	}
	since, known := w.unlisted[r.id]
	if !known {
		since = time.Now()
		w.unlisted[r.id] = since
	}
	if r.settings.Source != w.c.Source.Text {
		if time.Since(since) < otherListWait {
			return nil
		}
		end.why = otherListNote
		return w.queue.finishOrAddWave(ctx, r, nil, end)
	}
	createdTargets, err := w.surveyCreatedTargets(ctx, r)
	if err == nil {
		return w.queue.finishOrAddWave(ctx, r, createdTargets, end)
	}
	end = rolloutEnd{onward.RolloutInterrupted, fleet.DescribeUnlisted(err)}
	if !fleet.IsInputError(err) && time.Since(since) < r.settings.Within {
		return errors.Join(err, w.queue.explainRollout(ctx, r.id, end.why))
	}
	return errors.Join(err, w.queue.finishOrAddWave(ctx, r, nil, end))
}

// surveyCreatedTargets returns the targets that were created since the release began; nil for none.
func (w *Worker) surveyCreatedTargets(ctx context.Context, r *openRollout) (*fleet.Survey, error) {
	known, err := w.queue.targetNames(ctx, r.id)
	if err != nil {
		return nil, err
	}
	list, err := w.targets.ListNew(ctx, known)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return fleet.SurveyTargets(ctx, fleet.Config{
		Release: r.release, Digest: r.work, Who: w.c.Who, Waves: []fleet.Amount{{Percent: 100}}, Tell: func(string) {},
		List: func(context.Context) ([]*fleet.Target, error) { return list, nil },
	})
}

// explainRollout records why a release without open targets has not ended.
func (q *Queue) explainRollout(ctx context.Context, id int64, reason string) error {
	return q.inTransaction(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE onward_queue.rollout SET why = $2 WHERE id = $1 AND state = 'running' AND why <> $2", id, reason)
		return err
	})
}

// targetNames returns the names of a release's targets.
func (q *Queue) targetNames(ctx context.Context, id int64) (list []string, err error) {
	err = q.inTransaction(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT name FROM onward_queue.target WHERE rollout = $1", id)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return list, err
}
