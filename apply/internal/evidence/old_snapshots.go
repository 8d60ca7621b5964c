// Package evidence asks before a contract whether old code still runs, and whether the new code works after it.
package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/verify"
)

// OldSnapshots finds transactions with a snapshot from before a backfill wrote its last row. Such a transaction does not see the rows of the
// backfill. After a step has given them a known name, it would read NULL or an empty table there, without an error.
type OldSnapshots struct {
	snapshotReport

	step  string                   // the step that the following is about
	clear bool                     // the step need not wait any more
	found map[string]foundSnapshot // the snapshots it waits for, by transaction; nil before the first search
}

// foundSnapshot is an old snapshot that was found at the first look, or that may be a copy of such a one (SET TRANSACTION SNAPSHOT).
type foundSnapshot struct {
	xmin string
	copy bool
}

// NewOldSnapshots returns the search of a run.
func NewOldSnapshots(s *session.Session, r *progress.Record, accepted string, waitForStandbys bool) *OldSnapshots {
	return &OldSnapshots{snapshotReport: snapshotReport{session: s, record: r, accepted: accepted, waitForStandbys: waitForStandbys}}
}

// WaitForSnapshots returns the transactions that a step has to wait for; none if it may go on.
func (o *OldSnapshots) WaitForSnapshots(ctx context.Context, s *onward.PlanStep) ([]string, error) {
	if o.step != s.ID {
		o.step, o.clear, o.found, o.warning = s.ID, false, nil, ""
	}
	fills := precedingBackfills(o.record.Plan, s)
	if o.clear || o.record.AsWritten || len(fills) == 0 {
		return nil, nil
	}
	holders, last, err := o.findSnapshotHolders(ctx, fills)
	if err != nil {
		return nil, err
	}
	standbys, err := o.findStandbySnapshotHolders(ctx, last)
	if err != nil {
		return nil, err
	}
	if o.waitForStandbys {
		holders = append(holders, standbys...)
	} else if err := o.warnOfStandbySnapshots(ctx, s, standbys); err != nil {
		return nil, err
	}
	if holders, err = o.dropAcceptedSnapshots(ctx, s, holders); err != nil {
		return nil, err
	}
	if o.clear = len(holders) == 0; !o.clear {
		o.record.ReportEvent(run.Waits, s, strings.Join(holders, "; "))
	}
	return holders, nil
}

// precedingBackfills returns the IDs of the backfills whose rows a step may give a known name. Those are steps that replace something, and
// all steps of a contract.
func precedingBackfills(p *onward.Plan, s *onward.PlanStep) (ids []string) {
	if s.Repeat || s.Phase != onward.Contract && len(s.Replaces) == 0 {
		return nil
	}
	for i := range p.Steps {
		o := &p.Steps[i]
		if o.ID == s.ID {
			break
		}
		if o.Repeat {
			ids = append(ids, o.ID)
		}
	}
	return ids
}

// mostHolders is how many transactions a message names.
const mostHolders = 3

// findSnapshotHolders returns the transactions of the primary whose snapshot is older than the end of some backfills, and the last transaction ID of
// these; "" if they wrote nothing. At the first look all such transactions count. Later ones see the rows, even if an old writer keeps the xmin
// of their snapshots low, unless they have imported the snapshot of an earlier one.
func (o *OldSnapshots) findSnapshotHolders(ctx context.Context, fills []string) (words []string, last string, err error) {
	var list []queue.Snapshot
	err = o.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		if err := conn.QueryRow(ctx, lastFill, o.record.Row.ID, fills).Scan(&last); err != nil {
			if errors.Is(err, pgx.ErrNoRows) {
				return nil
			}
			return err
		}
		list, err = readSnapshotHolders(ctx, conn, last, false)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	found := map[string]foundSnapshot{}
	var waited []queue.Snapshot
	for i := range list {
		h := &list[i]
		f, known := o.found[h.Transaction]
		switch {
		case o.found == nil:
			f = foundSnapshot{xmin: h.XMin}
		case !known && o.mayBeCopy(h.XMin):
			f = foundSnapshot{xmin: h.XMin, copy: true}
		case !known || f.xmin != h.XMin: // it has a newer snapshot
			continue
		}
		found[h.Transaction] = f
		waited = append(waited, *h)
	}
	o.found = found
	return prose.FirstLines(describeSnapshotHolders(waited), mostHolders), last, nil
}

// mayBeCopy reports whether a new snapshot can be a copy of one that was there at the last look.
func (o *OldSnapshots) mayBeCopy(xmin string) bool {
	for _, f := range o.found {
		if f.xmin == xmin && !f.copy {
			return true
		}
	}
	return false
}

// lastFill is the last transaction of some backfills of a plan. The comparison of their rows, which may repair some, belongs to them.
const lastFill = `SELECT f.xid::text FROM (
		SELECT s.xmin AS xid FROM onward_ledger.step AS s WHERE s.plan = $1 AND s.id = ANY ($2::text[])
		UNION ALL SELECT v.xmin FROM onward_ledger.verification AS v WHERE v.plan = $1 AND v.step = ANY ($2::text[])
	) AS f ORDER BY pg_catalog.age(f.xid) LIMIT 1`

// readSnapshotHolders returns the transactions whose snapshot is not newer than a transaction ID. A first copy for a subscriber does not count: it gets all
// later rows.
func readSnapshotHolders(ctx context.Context, conn *pgx.Conn, last string, standby bool) ([]queue.Snapshot, error) {
	list, err := queue.ReadSnapshots(ctx, conn, last, standby)
	return slices.DeleteFunc(list, func(h queue.Snapshot) bool { return h.Copies }), err
}

// describeSnapshotHolders describes transactions that do not see what the backfill wrote.
func describeSnapshotHolders(list []queue.Snapshot) (words []string) {
	for i := range list {
		words = append(words, list[i].DescribeTransaction()+": it does not see what the backfill wrote")
	}
	return words
}

// standbySnapshots selects the old snapshots on other servers that the primary knows from hot_standby_feedback and from slots.
const standbySnapshots = `SELECT 'the standby ' || coalesce(nullif(a.application_name, ''), host(a.client_addr), 'of process ' || a.pid)
	FROM pg_catalog.pg_stat_activity AS a WHERE coalesce(a.backend_type, 'walsender') = 'walsender' AND a.datname IS NULL
		AND a.usesysid IS NOT NULL AND a.backend_xmin IS NOT NULL AND pg_catalog.age(a.backend_xmin) >= pg_catalog.age($1::text::xid)
	UNION ALL SELECT 'the replication slot ' || slot_name::text FROM pg_catalog.pg_replication_slots
	WHERE (database IS NULL OR database = current_database()) AND xmin IS NOT NULL AND pg_catalog.age(xmin) >= pg_catalog.age($1::text::xid)
	ORDER BY 1`

// findStandbySnapshotHolders describes the snapshots on standbys, and those that slots keep. last is the transaction ID of [OldSnapshots.findSnapshotHolders].
func (o *OldSnapshots) findStandbySnapshotHolders(ctx context.Context, last string) (words []string, err error) {
	if last == "" {
		return nil, nil
	}
	if err := o.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, standbySnapshots, last)
		if err != nil {
			return err
		}
		words, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	}); err != nil {
		return nil, err
	}
	for i := range words {
		words[i] += " keeps a snapshot from before the end of the backfill"
	}
	words = append(words, o.describeStandbys(ctx, func(ctx context.Context, conn *pgx.Conn, _ int) ([]queue.Snapshot, error) {
		return readSnapshotHolders(ctx, conn, last, true)
	}, describeSnapshotHolders)...)
	return prose.FirstLines(words, mostHolders), nil
}

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

// RefuseOldSessions refuses a contract step while a session of the old release exists.
func (o *OldCode) RefuseOldSessions(ctx context.Context, s *onward.PlanStep) error {
	if s.Phase != onward.Contract || o.Gone == "" {
		return nil
	}
	var count int
	var app, userName string
	var oldest float64
	err := o.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT count(*) OVER ()::int, application_name, coalesce(usename::text, ''), coalesce(extract(epoch FROM clock_timestamp() - backend_start), 0)::float8
			FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE $1 AND application_name NOT LIKE 'onward %' ORDER BY backend_start LIMIT 1`, o.Gone).
			Scan(&count, &app, &userName, &oldest)
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	noun := "sessions"
	if count == 1 {
		noun = "session"
	}
	text := fmt.Sprintf("the release that must be gone has %d %s on this database: %s", count, noun, app)
	if userName != "" {
		text += fmt.Sprintf(" of %s, for %s", userName, queue.RoundDuration(time.Duration(oldest*float64(time.Second))))
	}
	return &run.RefusedError{Step: s.ID, Text: text + ". Stop what is left of it, then run this again"}
}

// Config is what [NewOldCode] needs.
type Config struct {
	// Gone is a LIKE pattern for the application_name of the old release; "" for none.
	Gone string
	// Asked: signs of old code are searched for. GoneBecause says why the old code is gone in spite of them; "" refuses then. Window is the time
	// between two samples of the statements.
	Asked       bool
	GoneBecause string
	Window      time.Duration
	// Workload holds the queries of the new code; nil for none. Server is the address of the Postgres on which they are checked.
	Workload []*verify.Workload
	Server   string
}

// OldCode searches for old code that still runs.
type OldCode struct {
	Config
	session         *session.Session
	record          *progress.Record
	workloadChecked bool             // the new code works after the contract
	evidenceChecked bool             // the old code is gone
	sample          *statementSample // of the statements, before a contract; nil for none
}

// NewOldCode returns the search of a run.
func NewOldCode(s *session.Session, r *progress.Record, c Config) *OldCode {
	return &OldCode{Config: c, session: s, record: r}
}

// IsInMemory reports whether statements are being sampled, which another process would begin again.
func (o *OldCode) IsInMemory() bool { return o.sample != nil && !o.evidenceChecked }
