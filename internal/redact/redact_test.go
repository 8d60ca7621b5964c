package redact_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/onward"
)

func TestError(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want onward.ServerError }{
		{
			onward.ServerError{
				Code:    "23502",
				Message: `null value in column "a" of relation "t" violates not-null constraint`,
				Detail:  "Failing row contains (1, ada@example.com, null).",
			},
			onward.ServerError{Code: "23502", Message: `null value in column "a" of relation "t" violates not-null constraint`},
		},
		{
			onward.ServerError{
				Code:    "23505",
				Message: `duplicate key value violates unique constraint "t_key"`,
				Detail:  "Key (email, lower(name))=(ada@example.com, (x)) already exists.",
			},
			onward.ServerError{Code: "23505", Message: `duplicate key value violates unique constraint "t_key"`, Detail: "Key (email, lower(name))=(…) already exists."},
		},
		{
			onward.ServerError{Code: "23503", Message: "m", Detail: `Key (user_id)=(77) is not present in table "users".`},
			onward.ServerError{Code: "23503", Message: "m", Detail: `Key (user_id)=(…) is not present in table "users".`},
		},
		{
			onward.ServerError{Code: "22P02", Message: `invalid input syntax for type integer: "ada@example.com"`},
			onward.ServerError{Code: "22P02", Message: `invalid input syntax for type integer: "…"`},
		},
		{
			onward.ServerError{Code: "42P01", Message: `relation "t" does not exist`, Hint: "h"},
			onward.ServerError{Code: "42P01", Message: `relation "t" does not exist`, Hint: "h"},
		},
		{
			onward.ServerError{
				Code:    "23514",
				Message: `no partition of relation "t" found for row`,
				Detail:  "Partition key of the failing row contains (mail) = (ada@example.com).",
			},
			onward.ServerError{Code: "23514", Message: `no partition of relation "t" found for row`, Detail: "Partition key of the failing row contains (mail) =(…)."},
		},
		{
			onward.ServerError{Code: "22021", Message: `invalid byte sequence for encoding "UTF8": 0xe9 0x6c`},
			onward.ServerError{Code: "22021", Message: `invalid byte sequence for encoding "…": 0x…`},
		},
		{
			onward.ServerError{Code: "42601", Message: `unterminated quoted string at or near "'ada@example.com"`},
			onward.ServerError{Code: "42601", Message: `unterminated quoted string at or near "…"`},
		},
		{
			onward.ServerError{Code: "42601", Message: `syntax error at or near "TABEL"`},
			onward.ServerError{Code: "42601", Message: `syntax error at or near "TABEL"`},
		},
	} {
		if got := redact.Error(c.in); got != c.want {
			t.Errorf("Error(%+v)\n got %+v\nwant %+v", c.in, got, c.want)
		}
	}
	if got := redact.RedactStatement("UPDATE t SET a = 'it''s', b = 'x' WHERE c = $1"); got != "UPDATE t SET a = '…', b = '…' WHERE c = $1" {
		t.Errorf("RedactStatement = %q, want its literals hidden", got)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   pgconn.PgError
		want string
	}{
		{pgconn.PgError{Code: "22P02", Message: `invalid input syntax for type uuid: "ada"`}, `invalid input syntax for type uuid: "…" (SQLSTATE 22P02)`},
		{pgconn.PgError{Code: "42P07", Message: `relation "t" already exists`}, `relation "t" already exists (SQLSTATE 42P07)`},
		{
			pgconn.PgError{
				Code:    "23514",
				Message: "ada is no name",
				Routine: "exec_stmt_raise",
				Where:   "PL/pgSQL function named(text,integer) line 7 at RAISE\nSQL statement \"SELECT 'ada'\"",
			},
			"PL/pgSQL function named(text,integer) line 7 at RAISE: its words may quote rows and are not shown (SQLSTATE 23514)",
		},
		{pgconn.PgError{Code: "38000", Message: "Exception: ada"}, "a function raised an error: its words may quote rows and are not shown (SQLSTATE 38000)"},
	} {
		if got := redact.MessageWithCode(&c.in); got != c.want {
			t.Errorf("%+v\n got %s\nwant %s", c.in, got, c.want)
		}
	}
}

// What is around a server's words stays, and so does what no server said.
func TestSaid(t *testing.T) {
	t.Parallel()
	refused := &pgconn.PgError{Severity: "ERROR", Code: "22P02", Message: `invalid input syntax for type integer: "ada@example.com"`}
	for want, err := range map[string]error{
		`step 3: invalid input syntax for type integer: "…" (SQLSTATE 22P02)`: fmt.Errorf("step 3: %w", refused),
		`invalid input syntax for type integer: "…" (SQLSTATE 22P02)`:         &hides{refused},
		"the line is gone": errors.New("the line is gone"),
	} {
		if got := redact.RedactError(err); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// hides is an error whose text differs from the server's.
type hides struct{ err error }

func (*hides) Error() string   { return "it failed" }
func (h *hides) Unwrap() error { return h.err }
