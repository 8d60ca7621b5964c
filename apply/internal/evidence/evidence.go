package evidence

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// DefaultWindow is the time between two samples of pg_stat_statements.
const DefaultWindow = time.Minute

// Limits of the sessions that the log records, and of the sessions or statements that a message names.
const (
	mostRecorded = 200
	mostNamed    = 10
)

// sessionsEvent is the log event that lists the sessions a run has seen.
const sessionsEvent = "sessions"

// clientSessions selects the client sessions of this database, without onward's own. Columns that the role may not see are NULL.
const clientSessions = `pg_catalog.pg_stat_activity AS a WHERE a.datname = current_database() AND a.usesysid IS NOT NULL AND coalesce(a.backend_type, 'client backend') = 'client backend'
	AND a.pid <> pg_backend_pid() AND a.application_name NOT LIKE 'onward %'`

// RecordSessions records in the log which applications have sessions, so that a contract can tell a release's name from a typo.
func (o *OldCode) RecordSessions(ctx context.Context) error {
	if o.record.AsWritten || o.record.Undoing {
		return nil
	}
	return o.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `SELECT DISTINCT coalesce(a.application_name, ''), coalesce(a.usename::text, '') FROM `+clientSessions+
			` ORDER BY 1, 2 LIMIT $1`, mostRecorded)
		if err != nil {
			return err
		}
		type seen struct {
			Application string `json:"application"`
			Role        string `json:"role"`
		}
		list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[seen])
		if err != nil || len(list) == 0 {
			return err
		}
		text, err := json.Marshal(list)
		if err != nil {
			return err
		}
		last, err := ledger.LastDetail(ctx, conn, o.record.Row.ID, sessionsEvent)
		if err != nil || last == string(text) {
			return err
		}
		return o.record.LogEvent(ctx, conn, "", sessionsEvent, string(text))
	})
}

// AskEvidence refuses the first contract step of a run if something indicates that old code still runs, unless the user has said why it is
// gone. It returns true if the step may go on.
func (o *OldCode) AskEvidence(ctx context.Context, s *onward.PlanStep) (run.State, bool, error) {
	if s.Phase != onward.Contract || !o.Asked || o.evidenceChecked {
		return run.State{}, true, nil
	}
	if err := o.RefuseOldSessions(ctx, s); err != nil {
		return run.State{}, false, err
	}
	statements, known, retryAfter, err := o.sampleStatements(ctx, s)
	if err != nil || retryAfter > 0 {
		return run.State{Step: s, Again: retryAfter}, false, err
	}
	doubts, err := o.listDoubtfulSessions(ctx)
	if err != nil {
		return run.State{}, false, err
	}
	doubts = append(doubts, statements...)
	reason := o.GoneBecause
	if len(doubts) > 0 && reason == "" {
		return run.State{}, false, o.record.RefuseAndRecord(ctx, s, "the old code may still run: "+strings.Join(doubts, "; ")+
			". No contract step was begun. Stop the old code, then run this again. If you know that it is gone, say why: --old-code-is-gone \"REASON\"")
	}
	o.evidenceChecked = true
	detail := strings.Join(append(doubts, known), "; ")
	if len(doubts) > 0 {
		detail = reason + " (although " + detail + ")"
	}
	return run.State{}, true, o.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return o.record.LogEvent(ctx, conn, s.ID, "old code is gone", detail)
	})
}

// listDoubtfulSessions lists the sessions that indicate that the old code still runs.
func (o *OldCode) listDoubtfulSessions(ctx context.Context) (doubts []string, err error) {
	err = o.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		doubts = nil
		roles, err := o.readReleaseRoles(ctx, conn)
		if err != nil {
			return err
		}
		if o.Gone != "" && len(roles) == 0 {
			doubts = append(doubts, fmt.Sprintf("no session has a name like %s, and none of the sessions that this plan's runs have recorded had one: "+
				"the name may be wrong", o.Gone))
		}
		nameless, err := summarizeSessions(ctx, conn, "coalesce(a.application_name, '') = ''")
		if err != nil {
			return err
		}
		if nameless != "" {
			doubts = append(doubts, "sessions without an application_name, which may be of any release: "+nameless)
		}
		var deployed *time.Time
		if err := conn.QueryRow(ctx, "SELECT max(ended) FROM onward_ledger.step WHERE plan = $1 AND id = ANY ($2::text[])", o.record.Row.ID,
			o.listStepsBeforeContract()).Scan(&deployed); err != nil || deployed == nil {
			return err
		}
		older, err := summarizeSessions(ctx, conn, "a.application_name <> '' AND a.backend_start < $1 "+
			"AND (cardinality($2::text[]) = 0 OR a.usename = ANY ($2::text[]))", *deployed, roles)
		if err != nil {
			return err
		}
		if older != "" {
			doubts = append(doubts, fmt.Sprintf("sessions that began before the new code could be deployed (%s): %s", deployed.UTC().Format(time.DateTime), older))
		}
		hidden, err := summarizeSessions(ctx, conn, "a.application_name <> '' AND a.backend_start IS NULL AND (cardinality($1::text[]) = 0 OR a.usename = ANY "+
			"($1::text[]))", roles)
		if hidden != "" {
			doubts = append(doubts, "sessions whose beginning this role may not see (a member of pg_read_all_stats may): "+hidden)
		}
		return err
	})
	return doubts, err
}

// listStepsBeforeContract returns the IDs of the steps before the contract, after which the new code may be deployed.
func (o *OldCode) listStepsBeforeContract() []string {
	var out []string
	for i := range o.record.Plan.Steps {
		if s := &o.record.Plan.Steps[i]; s.Phase != onward.Contract {
			out = append(out, s.ID)
		}
	}
	return out
}

// readReleaseRoles returns the roles of the sessions that had the release's application_name, as the runs of the plan have recorded them.
// Without a release name there are none.
func (o *OldCode) readReleaseRoles(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	rows, err := conn.Query(ctx, `SELECT DISTINCT s->>'role' FROM onward_ledger.log AS l,
			jsonb_array_elements(CASE WHEN l.event = $2 THEN l.detail::jsonb ELSE '[]' END) AS s
		WHERE l.plan = $1 AND l.event = $2 AND s->>'application' LIKE $3 ORDER BY 1`, o.record.Row.ID, sessionsEvent, o.Gone)
	if err != nil {
		return nil, err
	}
	roles, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if roles == nil {
		roles = []string{}
	}
	return roles, err
}

// summarizeSessions counts the client sessions that match a condition, by application and role: "web v1.3 of shop (4)".
func summarizeSessions(ctx context.Context, conn *pgx.Conn, where string, args ...any) (string, error) {
	rows, err := conn.Query(ctx, fmt.Sprintf(`SELECT coalesce(nullif(a.application_name, ''), 'without a name') || ' of ' || coalesce(a.usename::text, 'a role that is gone') || ' (' || count(*) || ')'
		FROM %s AND %s GROUP BY a.application_name, a.usename ORDER BY count(*) DESC, 1 LIMIT %d`, clientSessions, where, mostNamed+1), args...)
	if err != nil {
		return "", err
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if len(list) > mostNamed {
		list[mostNamed] = "and more"
	}
	return strings.Join(list, ", "), err
}
