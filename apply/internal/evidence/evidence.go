package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgparse"
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
		rows, _ := conn.Query(ctx, `SELECT DISTINCT coalesce(a.application_name, ''), coalesce(a.usename::text, '') FROM `+clientSessions+
			` ORDER BY 1, 2 LIMIT $1`, mostRecorded)
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
	rows, _ := conn.Query(ctx, `SELECT DISTINCT s->>'role' FROM onward_ledger.log AS l,
			jsonb_array_elements(CASE WHEN l.event = $2 THEN l.detail::jsonb ELSE '[]' END) AS s
		WHERE l.plan = $1 AND l.event = $2 AND s->>'application' LIKE $3 ORDER BY 1`, o.record.Row.ID, sessionsEvent, o.Gone)
	roles, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if roles == nil {
		roles = []string{}
	}
	return roles, err
}

// summarizeSessions counts the client sessions that match a condition, by application and role: "web v1.3 of shop (4)".
func summarizeSessions(ctx context.Context, conn *pgx.Conn, where string, args ...any) (string, error) {
	rows, _ := conn.Query(ctx, fmt.Sprintf(`SELECT coalesce(nullif(a.application_name, ''), 'without a name') || ' of ' || coalesce(a.usename::text, 'a role that is gone') || ' (' || count(*) || ')'
		FROM %s AND %s GROUP BY a.application_name, a.usename ORDER BY count(*) DESC, 1 LIMIT %d`, clientSessions, where, mostNamed+1), args...)
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if len(list) > mostNamed {
		list[mostNamed] = "and more"
	}
	return strings.Join(list, ", "), err
}

// statementSample holds how often each statement was called that names something the contract drops, as pg_stat_statements counts.
type statementSample struct {
	at    time.Time
	since time.Time // the time of the first sample that was kept
	reset string    // when the statistics were reset; "" if the server does not say
	calls map[statementKey]int64
	text  map[statementKey]string
}

// statementKey identifies a statement by its role and its queryid.
type statementKey struct {
	role string
	id   int64
}

// sampleStatements samples pg_stat_statements twice. doubts lists the statements that were called in between and name something that the
// contract drops. known describes the check in words. retryAfter is the time to wait before the next sample.
func (o *OldCode) sampleStatements(ctx context.Context, s *onward.PlanStep) (doubts []string, known string, retryAfter time.Duration, err error) {
	window := o.Window
	if window == 0 {
		window = DefaultWindow
	}
	dropped := listDroppedNames(o.record.RequestedSteps(s))
	if window < 0 || len(dropped) == 0 {
		return nil, "no statement was asked for", 0, nil
	}
	if o.sample != nil && time.Since(o.sample.at) < window {
		return nil, "", window - time.Since(o.sample.at), nil
	}
	var now *statementSample
	err = o.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		now, err = readStatementSample(ctx, conn, o.session.Major, dropped)
		return err
	})
	switch refused := new(pgconn.PgError); {
	case errors.As(err, &refused):
		return nil, "pg_stat_statements gives no answer: SQLSTATE " + refused.Code, 0, nil
	case err != nil:
		return nil, "", 0, err
	case now == nil:
		return nil, "pg_stat_statements is not available", 0, nil
	}
	before := o.sample
	now.since = now.at
	if before != nil {
		now.since = before.since
	}
	o.sample = now
	switch {
	case before == nil:
		return nil, "", window, nil
	case now.wasReset(before) && time.Since(now.since) > max(o.record.Within, 2*window):
		return []string{"pg_stat_statements was reset again and again while it was sampled"}, "", 0, nil
	case now.wasReset(before):
		return nil, "", window, nil
	}
	return now.listCalledStatements(before, dropped), fmt.Sprintf("pg_stat_statements was sampled twice within %s", window), 0, nil
}

// wasReset reports whether the statistics were reset between two samples.
func (n *statementSample) wasReset(before *statementSample) bool {
	if n.reset != before.reset {
		return true
	}
	shared := 0
	for key, calls := range before.calls {
		newCalls, found := n.calls[key]
		if found && newCalls < calls {
			return true
		}
		if found {
			shared++
		}
	}
	return shared == 0 && len(before.calls) > 0
}

// listCalledStatements lists the statements that were called between two samples and name something that is dropped.
func (n *statementSample) listCalledStatements(before *statementSample, dropped []droppedName) (out []string) {
	for key, calls := range n.calls {
		if calls <= before.calls[key] {
			continue
		}
		for _, d := range dropped {
			if d.isUsedIn(n.text[key]) {
				out = append(out, fmt.Sprintf("a statement that names %s was called %d times by %s within %s: SELECT query FROM pg_stat_statements WHERE queryid = %d",
					d, calls-before.calls[key], key.role, n.at.Sub(before.at).Round(time.Millisecond), key.id))
				break
			}
		}
	}
	slices.Sort(out)
	if len(out) > mostNamed {
		out = append(out[:mostNamed:mostNamed], fmt.Sprintf("and %d more statements", len(out)-mostNamed))
	}
	return out
}

// readStatementSample reads a sample. It returns nil if the database does not have the extension.
func readStatementSample(ctx context.Context, conn *pgx.Conn, major int, dropped []droppedName) (*statementSample, error) {
	var schema string
	err := conn.QueryRow(ctx, `SELECT n.nspname FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'`).Scan(&schema)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	view := pgparse.QuoteIdent(schema) + ".pg_stat_statements"
	out := &statementSample{at: time.Now(), calls: map[statementKey]int64{}, text: map[statementKey]string{}}
	top := ""
	if major >= 14 {
		top = " AND s.toplevel" // not the statements of the plan's own triggers
		var viewExists bool
		if err := conn.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", view+"_info").Scan(&viewExists); err != nil {
			return nil, err
		}
		if viewExists {
			if err := conn.QueryRow(ctx, "SELECT stats_reset::text FROM "+view+"_info").Scan(&out.reset); err != nil {
				return nil, err
			}
		}
	}
	var patterns []string
	for _, d := range dropped {
		patterns = append(patterns, "%"+strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(strings.ToLower(d.searchText()))+"%")
	}
	rows, _ := conn.Query(ctx, `SELECT coalesce(r.rolname::text, s.userid::text), coalesce(s.queryid, 0), sum(s.calls)::bigint, left(min(s.query), 100000) FROM `+view+` AS s LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.userid
		WHERE s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())`+top+` AND lower(s.query) LIKE ANY ($1::text[]) GROUP BY 1, 2`, patterns)
	var key statementKey
	var calls int64
	var text string
	_, err = pgx.ForEachRow(rows, []any{&key.role, &key.id, &calls, &text}, func() error {
		out.calls[key], out.text[key] = calls, text
		return nil
	})
	return out, err
}
