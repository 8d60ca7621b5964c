package throttle

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/outside"
	"github.com/onward-sql/onward/internal/redact"
)

// userQuery is the user's own query. If it gives no answer, the work stops: whoever wrote a query wants
// it to count.
var userQuery = signal{name: "the query of --throttle-sql", look: func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error) {
	if g.limits.SQL == "" {
		return Verdict{}, nil
	}
	if refusal := outside.RefuseQuery(g.limits.SQL); refusal != "" {
		return Verdict{Level: Stop, Why: "the query of --throttle-sql is not run: " + refusal}, nil
	}
	answer, err := queryValue(ctx, conn, g.limits.SQL)
	if err != nil {
		reason := err.Error()
		if refused := new(pgconn.PgError); errors.As(err, &refused) {
			reason = redact.MessageWithCode(refused)
		}
		return Verdict{Level: Stop, Why: "the query of --throttle-sql has no answer: " + reason}, nil
	}
	switch answer {
	case "true":
		return Verdict{Level: Stop, Why: "the query of --throttle-sql says true"}, nil
	case "false":
		return Verdict{}, nil
	}
	n, err := strconv.ParseFloat(answer, 64)
	switch {
	case err != nil:
		return Verdict{Level: Stop, Why: "the query of --throttle-sql gives neither a boolean nor a number"}, nil
	case n > 0:
		return Verdict{Level: Stop, Why: "the query of --throttle-sql says " + answer}, nil
	}
	return Verdict{}, nil
}}

// queryValue returns the single value of a query, as text.
func queryValue(ctx context.Context, conn *pgx.Conn, sql string) (string, error) {
	if conn.PgConn().TxStatus() != 'I' { // onward's own settings end with its transaction: the query runs with the role's
		if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
			return "", err
		}
	}
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return "", err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // it only read
	if _, err := tx.Exec(ctx, fmt.Sprintf("SET LOCAL statement_timeout = '%dms'", patience.Milliseconds())); err != nil {
		return "", err
	}
	var answer *string
	sql = strings.TrimRight(strings.TrimSpace(sql), "; ")
	if err := tx.QueryRow(ctx, "SELECT (\n"+sql+"\n)::pg_catalog.text").Scan(&answer); err != nil {
		return "", err
	}
	if answer == nil {
		return "", errors.New("it gives no row, or NULL")
	}
	return *answer, nil
}
