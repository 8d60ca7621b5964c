package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/replay"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// mostFixtures bounds how many different fixtures the release runs on.
const mostFixtures = 30

// tryFixtures runs the release on the rows that each test has: those that the deployed code has committed, or would have if the test did not roll them
// back. A suite's rows come after the migrations otherwise.
func (r *replayer) tryFixtures(ctx context.Context, lane *preparedLane) error {
	last := r.checker.moments[len(r.checker.moments)-1]
	if last.Base || r.checker.stopped {
		return nil
	}
	database, err := r.stage.CopyOf(ctx, lane.template)
	if err != nil {
		return err
	}
	if lane.schema != "" {
		if err := r.restoreSchemaNames(ctx, database, lane.schema); err != nil {
			return err
		}
	}
	touched := r.listTouchedTables()
	fixtures, omitted, err := replay.CaptureFixtures(ctx, lane.Lane, r.newReplayTarget(lane.Transcript, database), func(table string) bool {
		if name, found := strings.CutPrefix(table, lane.schema+"."); found && lane.schema != "" {
			table = "public." + name
		}
		return touched[table]
	})
	r.stage.Drop(ctx, database)
	if err != nil {
		return err
	}
	if omitted > 0 {
		r.addNotef("the release was not tried on the rows of %s: they could not be read, or are too many", prose.CountNoun(omitted, "moment of the suite"))
	}
	replay.SortFixtures(fixtures)
	fixtures, more := prose.TakeFirst(fixtures, mostFixtures)
	if more > 0 {
		r.addNotef("the release was tried on the rows of %d moments of the suite; %d with other rows were left out", mostFixtures, more)
	}
	reported := map[string]bool{}
	for _, f := range fixtures {
		database, err := r.loadFixture(ctx, lane, f)
		if err != nil {
			return fmt.Errorf("load the rows of a test: %w", err)
		}
		end, err := r.runTo(ctx, database, last)
		r.stage.Drop(ctx, database)
		r.result.Fixtures++
		refused, server := new(rehearse.RefusedError), new(pgconn.PgError)
		switch {
		case err == nil:
			r.stage.Drop(ctx, end)
		case errors.As(err, &refused) && errors.As(err, &server):
			cause := refused.Path + "\x00" + server.Code + server.Message
			if reported[cause] {
				continue
			}
			reported[cause] = true
			r.stage.ReportRows(refused, fmt.Sprintf("the server refuses it on rows that the deployed code wrote when it was recorded%s: %s (SQLSTATE %s)",
				describeTest(lane, f), hideValues(server.Message, ""), server.Code))
		default:
			return err
		}
	}
	return nil
}

// listTouchedTables returns the tables that the release touches.
func (r *replayer) listTouchedTables() map[string]bool {
	touched := map[string]bool{}
	for i := range r.checker.migrations {
		for j := range r.checker.migrations[i].Statements {
			for _, e := range r.checker.migrations[i].Statements[j].Effects {
				touched[e.Relation] = true
			}
		}
	}
	return touched
}

// loadFixture makes a copy of a database with exactly the rows of a fixture.
func (r *replayer) loadFixture(ctx context.Context, lane *preparedLane, f *replay.Fixture) (_ string, err error) {
	database, err := r.stage.CopyOf(ctx, lane.template)
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			r.stage.Drop(context.WithoutCancel(ctx), database)
		}
	}()
	if lane.schema == "" {
		return database, r.loadRows(ctx, database, f)
	}
	err = r.restoreSchemaNames(ctx, database, lane.schema)
	if err == nil {
		err = r.loadRows(ctx, database, f)
	}
	if err == nil {
		err = r.renameToPublic(ctx, database, lane.schema)
	}
	return database, err
}

func (r *replayer) loadRows(ctx context.Context, database string, f *replay.Fixture) (err error) {
	conn, err := r.stage.Server().Connect(ctx, "", database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	return f.Load(ctx, conn)
}

// describeTest says which part of the suite has the rows: who sent it, and its last write.
func describeTest(lane *preparedLane, f *replay.Fixture) string {
	text := ""
	if name := lane.Transcript.Sessions[f.Session].Parameters["application_name"]; name != "" {
		text = " (" + name + ")"
	}
	if test := replay.FindTest(lane.Transcript, f.Event); test != "" {
		text = " in test " + test
	}
	for i := len(lane.base) - 1; i >= 0; i-- {
		a := lane.base[i]
		if a.Event >= f.Event || a.Session != f.Session {
			continue
		}
		if wrote := a.LastWrite(); wrote >= 0 {
			list := splitStatements(a.SQL)
			return text + ", the last of them by " + clipQuery(normalizeStatement(list[min(wrote, len(list)-1)]))
		}
	}
	return text
}

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

// runTo runs the release on a copy of a database, up to a moment.
func (r *replayer) runTo(ctx context.Context, database string, m *moment) (string, error) {
	return r.stage.RunUntil(ctx, database, m.Migration, m.Statements[len(m.Statements)-1])
}

// makeSchemaAt makes the database on which a lane is replayed at a point. A database that the command made itself has the whole schema.
func (r *replayer) makeSchemaAt(ctx context.Context, lane *preparedLane, point int) (string, error) {
	m := r.checker.moments[point]
	if m.Base || lane.created && lane.code == onward.NewCode {
		return r.stage.CopyOf(ctx, lane.template)
	}
	return r.runTo(ctx, lane.template, m)
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
