package rehearse

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/onward"
)

// serverError returns an error in the server's words.
func serverError(err error) *onward.ServerError {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		e := redact.Error(onward.ServerError{Code: pg.Code, Message: pg.Message, Detail: pg.Detail, Hint: pg.Hint})
		return &e
	}
	return &onward.ServerError{Code: "08006", Message: "the server closed the connection: " + err.Error()}
}

// serverMessage returns the server's message with its SQLSTATE.
func serverMessage(err error) string {
	server := serverError(err)
	return fmt.Sprintf("%s (SQLSTATE %s)", server.Message, server.Code)
}
