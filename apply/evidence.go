package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// Evidence controls the check before the first contract step: is there a sign that the old code still runs?
type Evidence struct {
	// GoneBecause says how the user knows that the old code is gone in spite of such signs; "" refuses then. The log keeps it.
	GoneBecause string
	// Window is the time between the two samples of pg_stat_statements. 0 is DefaultWindow; below 0 skips them.
	Window time.Duration
}

// DefaultWindow is the time between two samples of pg_stat_statements.
const DefaultWindow = time.Minute

// Limits of what is recorded and printed.
const (
	mostRecorded = 200
	mostNamed    = 10
)

// sessionsEvent is the log event that lists the sessions a run has seen.
const sessionsEvent = "sessions"

// clientSessions selects the client sessions of this database, without onward's own. Columns that the role may not see are NULL.
const clientSessions = `pg_catalog.pg_stat_activity AS a WHERE a.datname = current_database() AND a.usesysid IS NOT NULL AND coalesce(a.backend_type, 'client backend') = 'client backend'
	AND a.pid <> pg_backend_pid() AND a.application_name NOT LIKE 'onward %'`

// recordSessions records in the log which applications have sessions, so that a contract can tell a release's name from a typo.
func (t *Target) recordSessions(ctx context.Context) error {
	if t.c.asWritten || t.c.undoing {
		return nil
	}
	return t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
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
		last, err := ledger.LastDetail(ctx, conn, t.plan.ID, sessionsEvent)
		if err != nil || last == string(text) {
			return err
		}
		return t.logEvent(ctx, conn, "", sessionsEvent, string(text))
	})
}

// askEvidence refuses the first contract step of a run if something indicates that old code still runs, unless the user has said why it is
// gone. It returns true if the step may go on.
func (t *Target) askEvidence(ctx context.Context, s *onward.PlanStep) (State, bool, error) {
	if s.Phase != onward.Contract || t.c.Evidence == nil || t.evidenceChecked {
		return State{}, true, nil
	}
	if err := t.refuseOldSessions(ctx, s); err != nil {
		return State{}, false, err
	}
	statements, known, again, err := t.sampleStatements(ctx, s)
	if err != nil || again > 0 {
		return State{Step: s, Again: again}, false, err
	}
	doubts, err := t.doubtSessions(ctx)
	if err != nil {
		return State{}, false, err
	}
	doubts = append(doubts, statements...)
	reason := t.c.Evidence.GoneBecause
	if len(doubts) > 0 && reason == "" {
		return State{}, false, t.refuseAndRecord(ctx, s, "the old code may still run: "+strings.Join(doubts, "; ")+
			". No contract step was begun. Stop the old code, then run this again. If you know that it is gone, say why: --old-code-is-gone \"REASON\"")
	}
	t.evidenceChecked = true
	detail := strings.Join(append(doubts, known), "; ")
	if len(doubts) > 0 {
		detail = reason + " (although " + detail + ")"
	}
	return State{}, true, t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return t.logEvent(ctx, conn, s.ID, "old code is gone", detail)
	})
}

// doubtSessions lists the sessions that indicate that the old code still runs.
func (t *Target) doubtSessions(ctx context.Context) (doubts []string, err error) {
	err = t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		doubts = nil
		roles, err := t.rolesOfRelease(ctx, conn)
		if err != nil {
			return err
		}
		if t.c.Gone != "" && len(roles) == 0 {
			doubts = append(doubts, fmt.Sprintf("no session has a name like %s, and none of the sessions that this plan's runs have recorded had one: "+
				"the name may be wrong", t.c.Gone))
		}
		nameless, err := listSessions(ctx, conn, "coalesce(a.application_name, '') = ''")
		if err != nil {
			return err
		}
		if nameless != "" {
			doubts = append(doubts, "sessions without an application_name, which may be of any release: "+nameless)
		}
		var deployed *time.Time
		if err := conn.QueryRow(ctx, "SELECT max(ended) FROM onward_ledger.step WHERE plan = $1 AND id = ANY ($2::text[])", t.plan.ID,
			t.listStepsBeforeContract()).Scan(&deployed); err != nil || deployed == nil {
			return err
		}
		older, err := listSessions(ctx, conn, "a.application_name <> '' AND a.backend_start < $1 AND (cardinality($2::text[]) = 0 OR a.usename = ANY ($2::text[]))", *deployed, roles)
		if err != nil {
			return err
		}
		if older != "" {
			doubts = append(doubts, fmt.Sprintf("sessions that began before the new code could be deployed (%s): %s", deployed.UTC().Format(time.DateTime), older))
		}
		hidden, err := listSessions(ctx, conn, "a.application_name <> '' AND a.backend_start IS NULL AND (cardinality($1::text[]) = 0 OR a.usename = ANY "+
			"($1::text[]))", roles)
		if hidden != "" {
			doubts = append(doubts, "sessions whose beginning this role may not see (a member of pg_read_all_stats may): "+hidden)
		}
		return err
	})
	return doubts, err
}

// listStepsBeforeContract returns the IDs of the steps before the contract, after which the new code may be deployed.
func (t *Target) listStepsBeforeContract() []string {
	var out []string
	for i := range t.c.Plan.Steps {
		if s := &t.c.Plan.Steps[i]; s.Phase != onward.Contract {
			out = append(out, s.ID)
		}
	}
	return out
}

// rolesOfRelease returns the roles of the sessions that had the release's application_name, as the runs of the plan have recorded them.
// Without a release name there are none.
func (t *Target) rolesOfRelease(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	rows, err := conn.Query(ctx, `SELECT DISTINCT s->>'role' FROM onward_ledger.log AS l,
			jsonb_array_elements(CASE WHEN l.event = $2 THEN l.detail::jsonb ELSE '[]' END) AS s
		WHERE l.plan = $1 AND l.event = $2 AND s->>'application' LIKE $3 ORDER BY 1`, t.plan.ID, sessionsEvent, t.c.Gone)
	if err != nil {
		return nil, err
	}
	roles, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if roles == nil {
		roles = []string{}
	}
	return roles, err
}

// listSessions counts the client sessions that match a condition, by application and role: "web v1.3 of shop (4)".
func listSessions(ctx context.Context, conn *pgx.Conn, where string, args ...any) (string, error) {
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
