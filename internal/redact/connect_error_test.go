package redact_test

import (
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/onward"
)

// The reason comes first and once, and TLS is none if there is another.
func TestConnectError(t *testing.T) {
	t.Parallel()
	line, err := url.Parse(pgservertest.NewLine(t, pgservertest.Database(t, onward.NewestMajor)).URL)
	if err != nil {
		t.Fatal(err)
	}
	const stranger = "nobody_of_that_name"
	for _, c := range []struct{ url, want string }{
		{"postgres://u@127.0.0.1:1/x", "connection refused at 127.0.0.1:1 (user u, database x)"},
		{"postgres://u@/x?host=/no/such/directory", "no such file or directory at /no/such/directory/.s.PGSQL.5432 (user u, database x)"},
		{
			"postgres://" + stranger + "@" + line.Host + "/x?sslmode=disable",
			`FATAL: role "` + stranger + `" does not exist (SQLSTATE 28000) at ` + line.Host + " (user " + stranger + ", database x)",
		},
	} {
		_, err := pgx.Connect(t.Context(), c.url)
		if got := redact.ConnectError(err).Error(); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.url, got, c.want)
		}
	}
}
