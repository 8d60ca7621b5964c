package guard

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The proxy's address takes the place of the database's, however it is written, and of no other's.
func TestReplace(t *testing.T) {
	t.Parallel()
	p, err := newServerAddress("postgres://u:p%40ss@db.example.com/app?sslmode=require")
	if err != nil {
		t.Fatal(err)
	}
	p.host, p.port = "127.0.0.1", "7777"
	for text, want := range map[string]string{
		"postgres://u:p%40ss@db.example.com/app?sslmode=require":              "postgres://u:p%40ss@127.0.0.1:7777/app?sslmode=disable",
		"postgresql://other:x@db.example.com:5432/app?schema=a&sslrootcert=y": "postgresql://other:x@127.0.0.1:7777/app?schema=a&sslmode=disable",
		"--url=jdbc:postgresql://DB.example.com/app?ssl=true&user=u":          "--url=jdbc:postgresql://127.0.0.1:7777/app?sslmode=disable&user=u",
		"postgresql+psycopg://u@db.example.com/app":                           "postgresql+psycopg://u@127.0.0.1:7777/app?sslmode=disable",
		"postgres:///app?host=db.example.com&options=-c%20work_mem%3D1MB":     "postgres://127.0.0.1:7777/app?options=-c%20work_mem%3D1MB&sslmode=disable",
		"host=db.example.com port=5432 dbname=app user=u sslmode=verify-full": "host=127.0.0.1 port=7777 dbname=app user=u sslmode=disable",
		"host=db.example.com user=u":                                          "host=127.0.0.1 user=u port=7777",
		"Server=db.example.com;Port=5432;Database=app;SSL Mode=Require":       "Server=127.0.0.1;Port=7777;Database=app;SSL Mode=disable",
		"ecto://u:x@db.example.com/app?ssl=true&pool_size=2":                  "ecto://u:x@127.0.0.1:7777/app?pool_size=2&sslmode=disable",
		"db:pg://u@db.example.com/app":                                        "db:pg://u@127.0.0.1:7777/app?sslmode=disable",
		"Host=db.example.com;Database=app;Username=u":                         "Host=127.0.0.1;Database=app;Username=u;port=7777",
		"postgres://u@db.example.com:6432/app":                                "",
		"postgres://u@db.example.com/other":                                   "",
		"postgres://u@replica.example.com/app":                                "",
		"host=replica.example.com dbname=app":                                 "",
		"mysql://u@db.example.com/app":                                        "",
		"db.example.com":                                                      "",
		"-c \"DB=postgres://u@db.example.com/app\" <postgres://u@elsewhere/x>": "-c \"DB=postgres://u@127.0.0.1:7777/app?sslmode=disable\" " +
			"<postgres://u@elsewhere/x>",
	} {
		if want == "" {
			want = text
		}
		if got := p.replaceAddress(text); got != want {
			t.Errorf("%s:\n%s, want\n%s", text, got, want)
		}
	}
}

// Pairs of variables are replaced when both are the database's.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	p, err := newServerAddress("postgres://u:secret@localhost:5433/app")
	if err != nil {
		t.Fatal(err)
	}
	p.host, p.port = "127.0.0.1", "7777"
	for environment, want := range map[string]string{
		"PGHOST=127.0.0.1 PGPORT=5433 PGSSLMODE=verify-full PGSSLROOTCERT=x": "PGHOST=127.0.0.1 PGPORT=7777 PGSSLMODE=disable",
		"DB_HOST=localhost DB_PORT=5433 DB_NAME=app":                         "DB_HOST=127.0.0.1 DB_NAME=app DB_PORT=7777",
		"DB_HOST=localhost DB_PORT=3306":                                     "",
		"MIKRO_ORM_HOST=localhost MIKRO_ORM_PORT=5433":                       "MIKRO_ORM_HOST=127.0.0.1 MIKRO_ORM_PORT=7777",
		"REDIS_HOST=localhost REDIS_PORT=6379 HOSTNAME=localhost":            "",
		"A=1 DATABASE_URL=postgres://u:secret@[::1]:5433/app READ_HOST=replica": "A=1 DATABASE_URL=postgres://u:secret@127.0.0.1:7777/app?sslmode=disable " +
			"READ_HOST=replica",
	} {
		list := strings.Fields(environment)
		got, found := p.rewriteEnvironment(list)
		if found != (want != "") {
			t.Errorf("%s: found %v", environment, found)
		}
		if want == "" {
			want = environment
		}
		wanted := strings.Fields(want)
		slices.Sort(wanted)
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Errorf("rewriteEnvironment(%s) (-want +got):\n%s", environment, diff)
		}
	}
	if got := p.addressVariables([]string{"PATH=/bin"}); !slices.Contains(got, "DATABASE_URL=postgresql://u:secret@127.0.0.1:7777/app?sslmode=disable") ||
		!slices.Contains(got, "PGPORT=7777") {
		t.Errorf("addressVariables = %q, want DATABASE_URL and PGPORT of the proxy", got)
	}
}
