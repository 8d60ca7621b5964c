package queuedb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/onward"
)

// maxReleases bounds the releases of a list.
const maxReleases = 50

// ReadReleases returns the releases in the queue, the newest first.
func (q *Queue) ReadReleases(ctx context.Context) (out []fleet.Release, err error) {
	err = q.inTransaction(ctx, func(tx pgx.Tx) error {
		out, err = readReleases(ctx, tx)
		return err
	})
	return out, err
}

func readReleases(ctx context.Context, tx pgx.Tx) (out []fleet.Release, err error) {
	rows, _ := tx.Query(ctx, `SELECT r.release, r.state, r.began, count(*) FILTER (WHERE t.state = 'done'), count(*) FILTER (WHERE t.state = 'failed')
		FROM onward_queue.rollout AS r LEFT JOIN onward_queue.target AS t ON t.rollout = r.id AND t.wanted
		GROUP BY r.id ORDER BY r.began DESC, r.id DESC LIMIT $1`, maxReleases)
	var next fleet.Release
	_, err = pgx.ForEachRow(rows, []any{&next.Name, &next.State, &next.Began, &next.Done, &next.Failed}, func() error {
		out = append(out, next)
		return nil
	})
	return out, err
}

// ReadRollout returns how far a release is on its targets, as the queue has it. The targets lack what only their ledgers know: the database, the
// labels and the attempts. The error is a *config.InputError if the queue does not know the release.
func (q *Queue) ReadRollout(ctx context.Context, release string) (*onward.Rollout, error) {
	out := &onward.Rollout{Schema: onward.RolloutSchema, Release: release}
	err := q.inTransaction(ctx, func(tx pgx.Tx) error {
		var id int64
		var state, reason string
		var waves []string
		err := tx.QueryRow(ctx, "SELECT id, state, why, waves FROM onward_queue.rollout WHERE release = $1", release).Scan(&id, &state, &reason, &waves)
		if errors.Is(err, pgx.ErrNoRows) {
			return &config.InputError{Err: fmt.Errorf("the queue does not have the release %q", release)}
		}
		if err != nil {
			return err
		}
		list, err := readTargets(ctx, tx, id)
		if err != nil {
			return err
		}
		fleet.SummarizeTargets(out, waves, list)
		out.State, out.Why = onward.RolloutState(state), reason
		return nil
	})
	return out, err
}

// readTargets returns the targets of a release, in order. The note of a running target is about its last slice, so it counts only between two
// slices.
func readTargets(ctx context.Context, tx pgx.Tx, id int64) (list []onward.RolloutTarget, err error) {
	rows, _ := tx.Query(ctx, `SELECT name, wave, state, exit_code, CASE WHEN state = 'running' AND holder <> '' THEN '' ELSE note END, ended
		FROM onward_queue.target WHERE rollout = $1 AND wanted ORDER BY wave, position`, id)
	var next onward.RolloutTarget
	var ended *time.Time
	_, err = pgx.ForEachRow(rows, []any{&next.Name, &next.Wave, &next.State, &next.ExitCode, &next.Note, &ended}, func() error {
		t := next
		t.Ended = ended
		list = append(list, t)
		return nil
	})
	return list, err
}

// Retry lets targets that failed or were skipped be tried again: first by their ledgers, which decide, and then by the queue. q is nil if one
// process runs the release. A target that cannot be tried again does not keep the others from it.
func (q *Queue) Retry(ctx context.Context, list []*fleet.Target, release, actor string) error {
	var failed []error
	for _, t := range list {
		err := fleet.Retry(ctx, t, release, actor)
		if err == nil && q != nil {
			err = q.retryTarget(ctx, release, t.Name)
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// Skip leaves targets out of a release: first in their ledgers, which decide, and then in the queue. q is nil if one process runs the release.
func (q *Queue) Skip(ctx context.Context, list []*fleet.Target, release, reason, actor string) error {
	for _, t := range list {
		if err := fleet.Skip(ctx, []*fleet.Target{t}, release, reason, actor); err != nil {
			return err
		}
		if q == nil {
			continue
		}
		if err := q.skipTarget(ctx, release, t.Name, reason); err != nil {
			return err
		}
	}
	return nil
}

// retryTarget gives a target that is not done another try, also if its release has ended or was stopped. If the release has as many targets at
// work as it may have, the target waits for its turn.
func (q *Queue) retryTarget(ctx context.Context, release, name string) error {
	return q.changeTarget(ctx, release, name, func(tx pgx.Tx, id int64) error {
		if _, err := tx.Exec(ctx, `UPDATE onward_queue.target SET note = '', exit_code = 0, step = '', waited = 0, away = NULL, ended = NULL
			WHERE rollout = $1 AND name = $2`, id, name); err != nil {
			return err
		}
		full, err := isRolloutFull(ctx, tx, id)
		if err == nil && full {
			_, err = tx.Exec(ctx, "UPDATE onward_queue.target SET state = 'pending' WHERE rollout = $1 AND name = $2", id, name)
		} else if err == nil {
			err = q.insertJob(ctx, tx, &TargetArgs{Rollout: id, Target: name}) // at once, also if the stop rule lets no other begin
		}
		return err
	})
}

// isRolloutFull reports whether a release has as many targets at work as it may have.
func isRolloutFull(ctx context.Context, tx pgx.Tx, id int64) (bool, error) {
	var text string
	var running int
	if err := tx.QueryRow(ctx, `SELECT settings, (SELECT count(*) FROM onward_queue.target WHERE rollout = $1 AND state = 'running')
		FROM onward_queue.rollout WHERE id = $1`, id).Scan(&text, &running); err != nil {
		return false, err
	}
	s, err := decodeSettings(text)
	return err == nil && running >= s.AtOnce, err
}

// skipTarget leaves a target out of a release.
func (q *Queue) skipTarget(ctx context.Context, release, name, reason string) error {
	return q.changeTarget(ctx, release, name, func(tx pgx.Tx, id int64) error {
		_, err := tx.Exec(ctx, `UPDATE onward_queue.target SET state = 'skipped', note = $3, ended = clock_timestamp(), step = '', waited = 0, away = NULL
			WHERE rollout = $1 AND name = $2`, id, name, reason)
		return err
	})
}

// changeTarget calls f for a target without a job. Afterwards the release runs again, so that dispatch decides whether it is over.
func (q *Queue) changeTarget(ctx context.Context, release, name string, f func(tx pgx.Tx, id int64) error) error {
	return q.inTransaction(ctx, func(tx pgx.Tx) error {
		if err := lockDispatch(ctx, tx); err != nil {
			return err
		}
		var id int64
		var state onward.RolloutState
		err := tx.QueryRow(ctx, `SELECT r.id, t.state FROM onward_queue.rollout AS r JOIN onward_queue.target AS t ON t.rollout = r.id
			WHERE r.release = $1 AND t.name = $2 AND t.wanted FOR UPDATE`, release, name).Scan(&id, &state)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return &config.InputError{Err: fmt.Errorf("the queue does not have the target %q of the release %q", name, release)}
		case err != nil:
			return err
		case state == onward.RolloutRunning: // its worker reads the ledger at the next slice
			return nil
		case state == onward.RolloutDone:
			return &config.InputError{Err: fmt.Errorf("%s is done", name)}
		}
		if err := f(tx, id); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE onward_queue.rollout SET state = 'running', why = '', ended = NULL WHERE id = $1", id)
		return err
	})
}
