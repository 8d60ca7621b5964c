package evidence

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/onward"
)

// RepackQueue finds who is in the way of a REPACK (CONCURRENTLY) before it begins: transactions that would read no rows of the table afterwards, and
// those that would make it lose its copy.
type RepackQueue struct {
	snapshotReport

	step     string // the ID of the step that the queue is of
	queue    *queue.RepackQueue
	standbys []queue.SnapshotWatch
}

// NewRepackQueue returns the search of a run.
func NewRepackQueue(s *session.Session, r *progress.Record, accepted string, waitForStandbys bool) *RepackQueue {
	return &RepackQueue{snapshotReport: snapshotReport{session: s, record: r, accepted: accepted, waitForStandbys: waitForStandbys}}
}

// WaitToBegin returns the transactions that a step has to wait for; none if it may begin. Each attempt searches anew.
func (q *RepackQueue) WaitToBegin(ctx context.Context, s *onward.PlanStep) ([]string, error) {
	if !recipe.IsRepack(s) {
		return nil, nil
	}
	table := ""
	if len(s.Effects) > 0 { // the table is the first
		table = s.Effects[0].Relation
	}
	if q.step != s.ID || q.queue == nil {
		q.step, q.queue, q.warning = s.ID, queue.NewRepackQueue(table), ""
		q.standbys = make([]queue.SnapshotWatch, len(q.session.Standbys))
	}
	snapshots, err := q.findSnapshots(ctx, s, table)
	if err != nil {
		return nil, err
	}
	var words []string
	if q.accepted == "" {
		words = snapshots
	}
	if err := q.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		list, err := q.queue.InTheWay(ctx, conn, map[int]bool{int(q.session.Work.PgConn().PID()): true})
		words = prose.FirstLines(slices.Concat(words, list), mostHolders)
		return err
	}); err != nil {
		return nil, err
	}
	if len(words) == 0 { // the audit trail gets one entry for each attempt, not for each look
		q.queue = nil
		return q.dropAcceptedSnapshots(ctx, s, snapshots)
	}
	q.record.ReportEvent(run.Waits, s, strings.Join(words, "; "))
	return words, nil
}

// findSnapshots describes the transactions that would read no rows of the table. Those on standbys are only reported, unless they are waited for.
func (q *RepackQueue) findSnapshots(ctx context.Context, s *onward.PlanStep, table string) (words []string, err error) {
	if err := q.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		list, err := q.queue.Snapshots.Find(ctx, conn, false)
		words = queue.DescribeSnapshots(list, table)
		return err
	}); err != nil {
		return nil, err
	}
	elsewhere := q.describeStandbys(ctx, func(ctx context.Context, conn *pgx.Conn, standby int) ([]queue.Snapshot, error) {
		return q.standbys[standby].Find(ctx, conn, true)
	}, func(list []queue.Snapshot) []string { return queue.DescribeSnapshots(list, table) })
	if q.waitForStandbys {
		return append(words, elsewhere...), nil
	}
	return words, q.warnOfStandbySnapshots(ctx, s, elsewhere)
}
