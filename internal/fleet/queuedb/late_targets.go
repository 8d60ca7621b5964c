package queuedb

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/onward"
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
