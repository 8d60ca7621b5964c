package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

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
	rows, err := conn.Query(ctx, `SELECT coalesce(r.rolname::text, s.userid::text), coalesce(s.queryid, 0), sum(s.calls)::bigint, left(min(s.query), 100000) FROM `+view+` AS s LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.userid
		WHERE s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())`+top+` AND lower(s.query) LIKE ANY ($1::text[]) GROUP BY 1, 2`, patterns)
	if err != nil {
		return nil, err
	}
	var key statementKey
	var calls int64
	var text string
	_, err = pgx.ForEachRow(rows, []any{&key.role, &key.id, &calls, &text}, func() error {
		out.calls[key], out.text[key] = calls, text
		return nil
	})
	return out, err
}
