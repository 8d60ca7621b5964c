package verify

import (
	"context"

	"github.com/onward-sql/onward/internal/replay"
	"github.com/onward-sql/onward/onward"
)

// replayNewLane replays the new code at the end of the release, where each of its statements must do what it did when it was recorded. What fails on an
// earlier schema needs a later one. A suite that makes its own database has run the release itself.
func (r *replayer) replayNewLane(ctx context.Context, lane *preparedLane) error {
	moments := r.checker.moments
	last := len(moments) - 1
	if !lane.created && moments[last].Base {
		return nil
	}
	if err := r.playTwice(ctx, lane, last); err != nil || lane.created {
		return err
	}
	for i := range moments[:last] {
		if err := r.addDifferences(ctx, lane, i, func(d *replay.Difference, _ string) bool { return d.Fails }); err != nil {
			return err
		}
	}
	return nil
}

// playTwice replays a lane two times on the schema that its code is made for, the one at a point.
func (r *replayer) playTwice(ctx context.Context, lane *preparedLane, point int) error {
	for _, list := range []*[]*replay.Answer{&lane.base, &lane.again} {
		database, err := r.makeSchemaAt(ctx, lane, point)
		if err != nil {
			return err
		}
		if *list, err = r.playLane(ctx, lane, database); err != nil {
			return err
		}
	}
	r.countExecutions(lane)
	r.lanes[lane.code] = append(r.lanes[lane.code], lane)
	return nil
}

// addDifferences replays a lane at a point, and keeps those differences that count there.
func (r *replayer) addDifferences(ctx context.Context, lane *preparedLane, point int, counts func(d *replay.Difference, sql string) bool) error {
	list, err := r.replayAtPoint(ctx, lane, point)
	if err != nil {
		return err
	}
	for _, d := range list.Differences {
		if text := differingStatement(&d); counts(&d, text) {
			r.differences = append(r.differences, replayedDifference{point, lane, d, text})
		}
	}
	r.markDifferentAnswers(lane, point, list)
	return nil
}

// makeSchemaAt makes the database on which a lane is replayed at a point. A database that the command made itself has the whole schema.
func (r *replayer) makeSchemaAt(ctx context.Context, lane *preparedLane, point int) (string, error) {
	m := r.checker.moments[point]
	if m.Base || lane.created && lane.code == onward.NewCode {
		return r.stage.CopyOf(ctx, lane.template)
	}
	return r.stage.RunUntil(ctx, lane.template, m.Migration, m.Statements[len(m.Statements)-1])
}

// replayAtPoint returns the differences at a point.
func (r *replayer) replayAtPoint(ctx context.Context, lane *preparedLane, point int) (out replay.Comparison, err error) {
	r.result.Points++
	m := r.checker.moments[point]
	if !m.Base {
		return r.replayAfterStatement(ctx, lane, m.Migration, m.Statements[len(m.Statements)-1])
	}
	database, err := r.makeSchemaAt(ctx, lane, point)
	if err != nil {
		return out, err
	}
	answers, err := r.playLane(ctx, lane, database)
	return replay.Compare(lane.base, lane.again, answers), err
}

// markDifferentAnswers notes which statements have another answer at a point, or were not compared there.
func (r *replayer) markDifferentAnswers(lane *preparedLane, point int, list replay.Comparison) {
	for event, statements := range lane.executed {
		for _, key := range statements {
			r.executed[key].open[point] = r.executed[key].open[point] || !list.Same[event]
		}
	}
}

// replayLane replays a lane on the deployed schema, and on the schema of each commit point which its code must work at.
func (r *replayer) replayLane(ctx context.Context, lane *preparedLane) error {
	if err := r.playTwice(ctx, lane, 0); err != nil {
		return err
	}
	for i, m := range r.checker.moments {
		if m.Base {
			continue
		}
		err := r.addDifferences(ctx, lane, i, func(d *replay.Difference, sql string) bool { return d.Fails || !r.isComparisonSkipped(lane.code, sql) })
		if err != nil {
			return err
		}
	}
	if lane.code != onward.OldCode {
		return nil
	}
	return r.tryFixtures(ctx, lane)
}

// replayAfterStatement returns the differences after a statement of the release.
func (r *replayer) replayAfterStatement(ctx context.Context, lane *preparedLane, migration, statement int) (replay.Comparison, error) {
	key := prefix{lane, migration, statement}
	if known, done := r.prefixes[key]; done {
		return known, nil
	}
	database, err := r.stage.RunUntil(ctx, lane.template, migration, statement)
	if err != nil {
		return replay.Comparison{}, err
	}
	if lane.written != nil {
		if _, err := replay.Play(ctx, lane.written.Lane, r.newReplayTarget(lane.written.Transcript, database)); err != nil {
			return replay.Comparison{}, err
		}
	}
	answers, err := r.playLane(ctx, lane, database)
	if err != nil {
		return replay.Comparison{}, err
	}
	if lane.made {
		r.prefixes[key] = replay.Comparison{Differences: replay.CompareEach(lane.base, lane.again, answers)}
	} else {
		r.prefixes[key] = replay.Compare(lane.base, lane.again, answers)
	}
	return r.prefixes[key], nil
}
