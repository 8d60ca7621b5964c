package fleet

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// A row of a query for targets names another server, or the place of a secret, and not both: who may write rows gets no secret.
func TestRowAddress(t *testing.T) {
	t.Setenv("PGPASSWORD", "of-the-operator")
	t.Setenv("TENANT_PASSWORD", "of-the-tenant")
	s := &Source{DB: "postgres://admin@db.example.com/main", Env: func(string) string { return "of-the-tenant" }}
	for _, c := range []struct{ address, password, want string }{ // want: the password, or a part of the error
		{"postgres://u@db.example.com/a", "", "of-the-operator"},
		{"postgres://u@db.example.com/a", "env:TENANT_PASSWORD", "of-the-tenant"},
		{"host=db.example.com dbname=a", "env:TENANT_PASSWORD", "of-the-tenant"},
		{"postgres://u@evil.example.com/a", "", ""},
		{"host=evil.example.com dbname=a", "", ""},
		{"postgres://evil.example.com/a", "", ""},
		{"postgres://u@evil.example.com/a", "env:TENANT_PASSWORD", "!one of both"},
		{"postgres://u@evil.example.com/a", "file:/etc/hostname", "!one of both"},
		{"postgres://u@db.example.com:5433/a", "env:TENANT_PASSWORD", "!one of both"},
		{"postgres://u@db.example.com,evil.example.com/a", "env:TENANT_PASSWORD", "!one of both"},
		{"postgres://u@db.example.com/a?host=evil.example.com", "env:TENANT_PASSWORD", "!one of both"},
		{"postgres://u@evil.example.com/a?passfile=/home/u/.pgpass", "", "!one of both"},
		{"postgres://u@evil.example.com/a?sslkey=/home/u/key", "", "!one of both"},
		{"host=evil.example.com passfile=/home/u/.pgpass", "", "!one of both"},
	} {
		got, err := s.readRowAddress(t.Context(), c.address, c.password)
		if part, isError := strings.CutPrefix(c.want, "!"); isError {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s %s: %v, want %q", c.address, c.password, err, part)
			}
			continue
		}
		if err != nil {
			t.Errorf("readRowAddress(%q, %q): %v, want the password %q", c.address, c.password, err, c.want)
			continue
		}
		if p, err := pgconn.ParseConfig(got); err != nil || p.Password != c.want {
			t.Errorf("%s %s: %s, the password %q (%v)", c.address, c.password, got, p.Password, err)
		}
	}
}
