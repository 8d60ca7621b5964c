package rehearse

import (
	"testing"

	"github.com/onward-sql/onward/onward"
)

func TestRedacted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want onward.ServerError }{
		{
			onward.ServerError{Code: "23502", Message: `null value in column "a" of relation "t" violates not-null constraint`, Detail: "Failing row contains (1, ada@example.com, null)."},
			onward.ServerError{Code: "23502", Message: `null value in column "a" of relation "t" violates not-null constraint`},
		},
		{
			onward.ServerError{Code: "23505", Message: `duplicate key value violates unique constraint "t_key"`, Detail: "Key (email, lower(name))=(ada@example.com, (x)) already exists."},
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
	} {
		if got := redacted(c.in); got != c.want {
			t.Errorf("redacted(%+v)\n got %+v\nwant %+v", c.in, got, c.want)
		}
	}
	if got := withoutLiterals("UPDATE t SET a = 'it''s', b = 'x' WHERE c = $1"); got != "UPDATE t SET a = '…', b = '…' WHERE c = $1" {
		t.Error(got)
	}
}
