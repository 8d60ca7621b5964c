package queuedb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/onward"
)

// lostAfter is the age of a worker's last heartbeat after which its targets get new jobs. The target's own lease decides if the worker
// is alive nevertheless.
const lostAfter = 30 * time.Second

// openRollout is a release that is not finished.
type openRollout struct {
	id       int64
	release  string
	work     string // the digest of its work
	settings *Settings
	waves    []string // their names
	sizes    []int32  // and numbers of targets
	late     int      // how many waves of targets that were created meanwhile it has
}

// dispatch lets targets begin, as waves, the stop rule and the limits allow. It returns the releases without an open target. release is
// the one for which this worker has the code: targets of others like it begin only if their workers run.
func (q *Queue) dispatch(ctx context.Context, release string) (ended []*openRollout, err error) {
	err = q.inTransaction(ctx, func(tx pgx.Tx) error {
		if err := lockDispatch(ctx, tx); err != nil {
			return err
		}
		list, err := q.readOpenRollouts(ctx, tx, release)
		if err != nil || len(list) == 0 {
			return err
		}
		if err := q.replaceLostJobs(ctx, tx); err != nil {
			return err
		}
		servers, err := countByServer(ctx, tx)
		if err != nil {
			return err
		}
		for _, r := range list {
			open, err := q.dispatchRollout(ctx, tx, r, servers)
			if err != nil {
				return fmt.Errorf("%s: %w", r.release, err)
			}
			if !open {
				ended = append(ended, r)
			}
		}
		return nil
	})
	return ended, err
}

// lockDispatch lets one process at a time decide which targets begin.
func lockDispatch(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, "SELECT pg_catalog.pg_advisory_xact_lock($1)", int64(dispatchLock))
	return err
}

// readOpenRollouts returns the releases that are running. A release that another version of onward made is left to it, and one that needs code on the
// machine is left to its own workers.
func (q *Queue) readOpenRollouts(ctx context.Context, tx pgx.Tx, release string) (list []*openRollout, err error) {
	rows, _ := tx.Query(ctx, "SELECT id, release, work, settings, waves, sizes, late FROM onward_queue.rollout WHERE state = 'running' ORDER BY id")
	var next openRollout
	var text string
	_, err = pgx.ForEachRow(rows, []any{&next.id, &next.release, &next.work, &text, &next.waves, &next.sizes, &next.late}, func() error {
		r := next
		var err error
		if r.settings, err = decodeSettings(text); err != nil {
			if !q.leftAlone[r.id] {
				q.leftAlone[r.id] = true
				q.logger.Warn("the release is left to another version of onward", "release", r.release, "error", err)
			}
			return nil
		}
		if !r.settings.OnMachine || r.release == release {
			list = append(list, &r)
		}
		return nil
	})
	return list, err
}

// replaceLostJobs gives a new job to each target whose job has disappeared, or whose worker is gone. River itself would notice a lost job by
// its age alone, after the longest time that it may take.
func (q *Queue) replaceLostJobs(ctx context.Context, tx pgx.Tx) error {
	rows, _ := tx.Query(ctx, `SELECT t.rollout, t.name, t.long FROM onward_queue.target AS t LEFT JOIN onward_queue.river_job AS j ON j.id = t.job
		WHERE t.state = 'running' AND (j.id IS NULL OR j.finalized_at IS NOT NULL
			OR j.state = 'running' AND coalesce(t.seen, j.attempted_at) < clock_timestamp() - $1 * interval '1 second') FOR UPDATE OF t`, lostAfter.Seconds())
	var list []TargetArgs
	var next TargetArgs
	if _, err := pgx.ForEachRow(rows, []any{&next.Rollout, &next.Target, &next.Long}, func() error { list = append(list, next); return nil }); err != nil {
		return err
	}
	for i := range list {
		q.logger.Warn("a worker has lost a target", "target", list[i].Target)
		if err := q.insertJob(ctx, tx, &list[i]); err != nil {
			return err
		}
	}
	return nil
}

// insertJob gives a target a new job. An older job of the target ends without work.
func (q *Queue) insertJob(ctx context.Context, tx pgx.Tx, args *TargetArgs) error {
	var release, text string
	if err := tx.QueryRow(ctx, "SELECT nextval('onward_queue.run'), release, settings FROM onward_queue.rollout WHERE id = $1", args.Rollout).
		Scan(&args.Run, &release, &text); err != nil {
		return err
	}
	// A release of another version gets a job, too: a worker of that version takes it.
	if settings, err := decodeSettings(text); err == nil && settings.OnMachine {
		args.Queue, args.Long = machineQueue(release), true
	}
	job, err := q.insert.InsertTx(ctx, tx, *args, nil)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE onward_queue.target SET state = 'running', run = $3, job = $4, long = $5, holder = '', seen = NULL
		WHERE rollout = $1 AND name = $2`, args.Rollout, args.Target, args.Run, job.Job.ID, args.Long)
	return err
}

// countByServer counts the targets with a job on each server.
func countByServer(ctx context.Context, tx pgx.Tx) (map[string]int, error) {
	rows, _ := tx.Query(ctx, "SELECT server, count(*) FROM onward_queue.target WHERE state = 'running' GROUP BY server")
	out := map[string]int{}
	var server string
	var count int
	_, err := pgx.ForEachRow(rows, []any{&server, &count}, func() error { out[server] = count; return nil })
	return out, err
}

// dispatchRollout lets targets of a release begin. It reports whether the release has an open target, or was stopped.
func (q *Queue) dispatchRollout(ctx context.Context, tx pgx.Tx, r *openRollout, servers map[string]int) (open bool, err error) {
	reason, err := r.findStopReason(ctx, tx)
	if err != nil {
		return false, err
	}
	if reason != "" {
		q.logger.Warn("the release is stopped", "release", r.release, "why", reason)
		return true, endRollout(ctx, tx, r.id, onward.RolloutStopped, reason)
	}
	var wave *int
	var running int
	if err := tx.QueryRow(ctx, `SELECT (SELECT wave FROM onward_queue.target WHERE rollout = $1 AND wanted AND state IN ('pending', 'running')
			ORDER BY wave LIMIT 1),
		(SELECT count(*) FROM onward_queue.target WHERE state = 'running' AND rollout = $1)`, r.id).Scan(&wave, &running); err != nil || wave == nil {
		return running > 0, err
	}
	for running < r.settings.AtOnce {
		startedCount, err := q.beginTargets(ctx, tx, r, *wave, r.settings.AtOnce-running, servers)
		if err != nil || startedCount == 0 {
			return true, err
		}
		running += startedCount
	}
	return true, nil
}

// findStopReason returns why no further target may begin; "" if it may.
func (r *openRollout) findStopReason(ctx context.Context, tx pgx.Tx) (reason string, err error) {
	if r.settings.Chosen {
		return "", nil
	}
	limit, err := fleet.ParseAmount(r.settings.StopAfter)
	if err != nil {
		return "", err
	}
	rows, _ := tx.Query(ctx, `SELECT wave, count(*) FROM onward_queue.target WHERE rollout = $1 AND wanted AND state IN ('failed', 'unreachable')
		GROUP BY wave ORDER BY wave`, r.id)
	var wave, failed int
	_, err = pgx.ForEachRow(rows, []any{&wave, &failed}, func() error {
		if reason == "" && wave >= 1 && wave <= len(r.sizes) {
			reason = limit.StopReason(failed, int(r.sizes[wave-1]))
		}
		return nil
	})
	return reason, err
}

// beginTargets inserts jobs for at most some targets of a wave, on servers below their limit.
func (q *Queue) beginTargets(ctx context.Context, tx pgx.Tx, r *openRollout, wave, most int, servers map[string]int) (startedCount int, err error) {
	full := []string{}
	for server, count := range servers {
		if count >= r.settings.PerServer {
			full = append(full, server)
		}
	}
	rows, _ := tx.Query(ctx, `SELECT name, server FROM onward_queue.target WHERE rollout = $1 AND wave = $2 AND wanted AND state = 'pending'
		AND server <> ALL ($3) ORDER BY position LIMIT $4`, r.id, wave, full, most)
	var list []TargetArgs
	var name, server string
	if _, err := pgx.ForEachRow(rows, []any{&name, &server}, func() error {
		if servers[server] < r.settings.PerServer {
			servers[server]++
			list = append(list, TargetArgs{Rollout: r.id, Target: name})
		}
		return nil
	}); err != nil {
		return 0, err
	}
	for i := range list {
		if err := q.insertJob(ctx, tx, &list[i]); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}

// finishOrAddWave ends a release without open targets. If targets were created meanwhile, it adds them as another wave instead. end is the
// state if all other targets are done, with its reason.
func (q *Queue) finishOrAddWave(ctx context.Context, r *openRollout, createdTargets *fleet.Survey, end rolloutEnd) error {
	return q.inTransaction(ctx, func(tx pgx.Tx) error {
		if err := lockDispatch(ctx, tx); err != nil {
			return err
		}
		var open bool
		var failed, waves int
		err := tx.QueryRow(ctx, `SELECT r.state <> 'running'
				OR EXISTS (SELECT FROM onward_queue.target WHERE rollout = $1 AND wanted AND state IN ('pending', 'running')),
			(SELECT count(*) FROM onward_queue.target WHERE rollout = $1 AND wanted AND state IN ('failed', 'unreachable')), r.late
			FROM onward_queue.rollout AS r WHERE r.id = $1`, r.id).Scan(&open, &failed, &waves)
		if errors.Is(err, pgx.ErrNoRows) { // somebody made the queue anew
			return nil
		}
		if err != nil || open || waves != r.late {
			return err
		}
		if createdTargets != nil && len(createdTargets.Targets) > 0 {
			return r.addWave(ctx, tx, createdTargets)
		}
		if failed > 0 {
			reason := fmt.Sprintf("%d targets are not done: the same command goes on with them", failed)
			if end.why != "" {
				reason += "; " + end.why
			}
			end = rolloutEnd{onward.RolloutFailed, reason}
		}
		q.logger.Info("the release has ended", "release", r.release, "state", end.state, "why", end.why)
		return endRollout(ctx, tx, r.id, end.state, end.why)
	})
}

// rolloutEnd is the state of a release at its end, and its reason; "" for none.
type rolloutEnd struct {
	state onward.RolloutState
	why   string
}

// addWave adds targets that were created meanwhile.
func (r *openRollout) addWave(ctx context.Context, tx pgx.Tx, createdTargets *fleet.Survey) error {
	for i := range createdTargets.Targets {
		createdTargets.Targets[i].Wave = len(r.waves) + 1
	}
	if _, err := tx.Exec(ctx, `UPDATE onward_queue.rollout SET waves = waves || 'created meanwhile'::text, sizes = sizes || $2::int, late = late + 1,
		why = '' WHERE id = $1`, r.id, len(createdTargets.Targets)); err != nil {
		return err
	}
	return insertTargets(ctx, tx, r.id, createdTargets, false)
}

// endRollout records the end of a release.
func endRollout(ctx context.Context, tx pgx.Tx, id int64, state onward.RolloutState, reason string) error {
	_, err := tx.Exec(ctx, "UPDATE onward_queue.rollout SET state = $2, why = $3, ended = clock_timestamp() WHERE id = $1", id, string(state), reason)
	return err
}
