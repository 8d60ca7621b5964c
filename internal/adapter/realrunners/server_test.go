package realrunners

import (
	"context"
	"database/sql"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/lib/pq"
	"github.com/pressly/goose/v3"

	_ "github.com/golang-migrate/migrate/v4/source/file"

	"github.com/onward-sql/onward/internal/adapter/jsrun"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/sandbox"
)

// logged is the one server of this package: it logs every statement, each with
// its database.
var logged = sync.OnceValues(func() (*pgserver.Server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	return pgserver.Start(ctx, pgserver.Config{Settings: map[string]string{
		"log_statement": "all", "log_line_prefix": "<%d>", "log_min_messages": "log", "log_min_error_statement": "panic",
	}})
})

func TestMain(m *testing.M) {
	jsrun.RunChild()
	sandbox.RunChild()
	if dir := os.Getenv(gooseChild); dir != "" {
		if err := migrateGoose(context.Background(), dir, os.Getenv("DATABASE_URL")); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := pgservertest.Main(m)
	if s, err := logged(); err == nil {
		if err := s.Stop(); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

func server(t *testing.T) *pgserver.Server {
	t.Helper()
	s, err := logged()
	if err != nil {
		pgservertest.SkipOrFail(t, err)
	}
	return s
}

// database makes a database and connects to it.
func database(t *testing.T, s *pgserver.Server) (string, *pgx.Conn) {
	t.Helper()
	ctx := context.Background()
	db, err := s.NewDatabase(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, s.URL(db))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(ctx); err != nil {
			t.Error(err)
		}
		if err := s.DropDatabase(ctx, db); err != nil {
			t.Error(err)
		}
	})
	return db, conn
}

// messages are the simple-query messages that a database got, as its server
// logged them: whole, however many statements they hold.
func messages(s *pgserver.Server, db string) []string {
	var out []string
	for line := range strings.Lines(s.Log()) {
		line = strings.TrimSuffix(line, "\n")
		if text, ok := strings.CutPrefix(line, "<"+db+">LOG:  statement: "); ok {
			out = append(out, text)
			continue
		}
		if text, ok := strings.CutPrefix(line, "\t"); ok && len(out) > 0 {
			out[len(out)-1] += "\n" + text
		}
	}
	return out
}

// goose on a server: with both drivers, the messages are as the adapter predicts. A
// concurrent build fails exactly if the adapter says that another statement is in the
// same message.
//
// Not parallel: it reads the end of the server's log.
func TestGooseOnServer(t *testing.T) {
	s := server(t)
	for _, driver := range []string{"pgx", "postgres"} {
		for name, tc := range map[string]struct{ text, want string }{
			"one transaction": {"-- +goose Up\nCREATE TABLE t (id int);\nINSERT INTO t\nVALUES (1);\n", ""},
			"none": {
				"-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE t (id int);\nSET lock_timeout = '1s';\nCREATE INDEX CONCURRENTLY ON t (id);\n", "",
			},
			"two on a line": {
				"-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE t (id int);\nSET lock_timeout = '1s'; CREATE INDEX CONCURRENTLY ON t (id);\n",
				"cannot",
			},
			"two in a block": {
				"-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE t (id int);\n-- +goose StatementBegin\nSELECT 1;\nCREATE INDEX CONCURRENTLY ON t (id);\n" +
					"-- +goose StatementEnd\n",
				"cannot",
			},
		} {
			t.Run(driver+"/"+name, func(t *testing.T) {
				ctx := context.Background()
				name, _ := database(t, s)
				db, err := sql.Open(driver, s.URL(name))
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				fsys := fstest.MapFS{"00001_x.sql": &fstest.MapFile{Data: []byte(tc.text)}}
				p, err := goose.NewProvider(goose.DialectPostgres, db, fsys, goose.WithDisableGlobalRegistry(true))
				if err != nil {
					t.Fatal(err)
				}
				_, err = p.Up(ctx)
				if (err != nil) != (tc.want != "") || err != nil && !strings.Contains(err.Error(), tc.want) {
					t.Fatalf("goose says %v, want %q", err, tc.want)
				}
				want, m := readGoose(t, tc.text)
				if len(m.Problems) > 0 {
					t.Errorf("problems %+v, want none, because goose runs it:\n%s", m.Problems, tc.text)
				}
				// From the migration's first message on; bookkeeping has
				// arguments, so it is no simple query.
				got := messages(s, name)
				for i, text := range got {
					if text == "CREATE TABLE t (id int);" {
						if want[0] == "BEGIN" {
							i--
						}
						got = got[i:]
						break
					}
				}
				for i := range got {
					if word, _, _ := strings.Cut(strings.ToUpper(strings.TrimSuffix(got[i], ";")), " "); word == "BEGIN" || word == "COMMIT" {
						got[i] = word // the drivers differ in spelling
					}
				}
				got = got[:min(len(want), len(got))]
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-adapter +server):\n%s", diff)
				}
			})
		}
	}
}
