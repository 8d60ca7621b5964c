package evidence

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
)

// snapshotReport reports the old snapshots that a step finds, and records in the ledger which of them it does not wait for.
type snapshotReport struct {
	session *session.Session
	record  *progress.Record
	// accepted is the reason to run a step in spite of old snapshots; "" waits for them. waitForStandbys: those on standbys are waited for, too.
	accepted        string
	waitForStandbys bool

	warning string // about standbys, as last reported
}

// describeStandbys describes the snapshots that a search finds on each standby, and says of a standby that cannot be asked why.
func (r *snapshotReport) describeStandbys(
	ctx context.Context, find func(ctx context.Context, conn *pgx.Conn, standby int) ([]queue.Snapshot, error), describe func([]queue.Snapshot) []string,
) (words []string) {
	for i, standby := range r.session.Standbys {
		var list []queue.Snapshot
		err := standby.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
			list, err = find(ctx, conn, i)
			return err
		})
		if err != nil {
			words = append(words, r.session.DescribeStandbyError(i, err))
			continue
		}
		for j := range list {
			list[j].Server = "the standby " + standby.Name()
		}
		words = append(words, describe(list)...)
	}
	return words
}

// warnOfStandbySnapshots reports snapshots on standbys that are not waited for, if they have changed.
func (r *snapshotReport) warnOfStandbySnapshots(ctx context.Context, s *onward.PlanStep, standbys []string) error {
	text := strings.Join(standbys, "; ")
	if text == "" || prose.CutNumbers(text) == r.warning {
		return nil
	}
	r.warning = prose.CutNumbers(text)
	text = "not waited for without --wait-for-standbys: " + text
	r.record.ReportEvent(run.Warned, s, text)
	return r.logSnapshots(ctx, s, "snapshots on standbys", text)
}

// dropAcceptedSnapshots returns the snapshots that a step has to wait for: none if a reason accepts them, which the ledger gets.
func (r *snapshotReport) dropAcceptedSnapshots(ctx context.Context, s *onward.PlanStep, found []string) ([]string, error) {
	if len(found) == 0 || r.accepted == "" {
		return found, nil
	}
	return nil, r.logSnapshots(ctx, s, "old snapshots accepted", r.accepted+" (although "+strings.Join(found, "; ")+")")
}

func (r *snapshotReport) logSnapshots(ctx context.Context, s *onward.PlanStep, event, detail string) error {
	return r.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return r.record.LogEvent(ctx, conn, s.ID, event, detail)
	})
}
