package rehearse

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/onward"
)

// serverError returns a failure in the server's words, without values of rows if there are rows of production.
func serverError(stop *migrationFailure) *onward.ServerError {
	var pg *pgconn.PgError
	if !errors.As(stop.err, &pg) {
		return &onward.ServerError{Code: "08006", Message: "the server closed the connection: " + stop.err.Error()}
	}
	e := redact.Error(onward.ServerError{Code: pg.Code, Message: pg.Message, Detail: pg.Detail, Hint: pg.Hint})
	if stop.hasRealRows {
		e = redact.ErrorOnRows(pg, stop.statement.SQL)
	}
	return &e
}

// serverMessage returns the server's message with its SQLSTATE.
func serverMessage(stop *migrationFailure) string {
	server := serverError(stop)
	return fmt.Sprintf("%s (SQLSTATE %s)", server.Message, server.Code)
}
