package apply

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/redact"
)

// describeRefusal returns the server's message about a step: "the event trigger no_drops refuses it: ask the DBA (SQLSTATE P0001)". The words that a
// function raises may quote rows, and are not shown. A function of an event trigger sees statements and no rows, so its words are shown.
func (t *Target) describeRefusal(ctx context.Context, err error) string {
	refused := new(pgconn.PgError)
	if !errors.As(err, &refused) {
		return session.ServerMessage(err)
	}
	function := redact.RaisingFunction(refused)
	if function == "" {
		return session.ServerMessage(err)
	}
	var name string
	if asked := t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT quote_ident(e.evtname) FROM pg_catalog.pg_event_trigger AS e JOIN pg_catalog.pg_proc AS p ON p.oid = e.evtfoid
			WHERE e.evtenabled <> 'D' AND $1 IN (quote_ident(p.proname) || '()', p.oid::regprocedure::text) ORDER BY 1 LIMIT 1`, function).Scan(&name)
	}); asked != nil { // it is only for the message
		return session.ServerMessage(err)
	}
	text := fmt.Sprintf("the event trigger %s refuses it: %s", name, refused.Message)
	if refused.Hint != "" {
		text += " (" + refused.Hint + ")"
	}
	return text + " (SQLSTATE " + refused.Code + ")"
}
