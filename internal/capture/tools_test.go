package capture

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/sandbox"
	"github.com/onward-sql/onward/internal/wire/ordered"
	"github.com/onward-sql/onward/onward"
)

// logged is a statement in a server's log.
type logged struct {
	text string
	// virtual identifies the transaction.
	virtual string
}

// readLog returns the statements that a database got, as its server logged them.
func readLog(log, database string) []logged {
	var out []logged
	detail := false
	for line := range strings.Lines(log) {
		line = strings.TrimSuffix(line, "\n")
		if more, ok := strings.CutPrefix(line, "\t"); ok {
			if len(out) > 0 && !detail {
				out[len(out)-1].text += "\n" + more
			}
			continue
		}
		rest, ok := strings.CutPrefix(line, "<"+database+" ")
		virtual, message, cut := strings.Cut(rest, ">LOG:  ")
		if detail = !ok || !cut; detail {
			continue
		}
		if kind, text, ok := strings.Cut(message, ": "); ok && (kind == "statement" || strings.HasPrefix(kind, "execute ")) {
			out = append(out, logged{text, virtual})
		}
	}
	return out
}

// runTool runs a project's command on its base and then on its head, on a server that logs all statements, and compares what
// was captured with the log: order, text, transaction.
func runTool(t *testing.T, fixture string, words []string, environment []string, link string) {
	t.Helper()
	t.Parallel()
	ctx := t.Context()
	server, err := pgserver.Start(ctx, pgserver.Config{Major: onward.NewestMajor, Small: true, Settings: map[string]string{
		"log_statement": "all", "log_line_prefix": "<%d %v>", "log_min_messages": "log", "log_min_error_statement": "panic",
	}})
	if err != nil {
		pgservertest.SkipOrFail(t, err)
	}
	defer func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}()
	archive, err := txtar.ParseFile(filepath.Join("testdata", fixture))
	if err != nil {
		t.Fatal(err)
	}
	database, err := server.NewDatabase(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{server: server, logger: slog.New(slog.DiscardHandler)}
	dir, want := t.TempDir(), ""
	var access sandbox.Access
	if link != "" {
		access.Read = []string{filepath.Join(link, "node_modules")}
		if err := os.Symlink(filepath.Join(link, "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
			t.Fatal(err)
		}
	}
	var runs [][]*ordered.Statement
	from := 0
	for _, head := range []bool{false, true} {
		for _, f := range archive.Files {
			name, isHead := strings.CutPrefix(f.Name, "head/")
			switch {
			case f.Name == "want":
				want = string(f.Data)
			case isHead == head:
				gittest.WriteFiles(t, dir, map[string]string{name: string(f.Data)})
			}
		}
		r, err := s.runCommand(ctx, database, Command{Words: words, Dir: dir, Environment: environment, Access: access})
		if err != nil {
			t.Fatal(err)
		}
		log := readLog(server.Log(), database)
		compareLog(t, r.Statements, log[len(log)-len(r.Statements):])
		from += len(r.Statements)
		runs = append(runs, r.Statements)
	}
	if n := len(readLog(server.Log(), database)); n > from {
		t.Errorf("the server got %d statements, and %d were captured", n, from)
	}
	files, err := filepath.Glob(filepath.Join(dir, "db", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var ids strings.Builder
	for _, g := range newBooks(all.HistoryTableNames(), files, append(runs[0], runs[1]...)).cutSegments(runs[1]) {
		ids.WriteString(g.ID + "\n")
		for _, st := range g.Statements {
			t.Logf("%s %d: %s", g.ID, st.Transaction, st.SQL)
		}
	}
	if diff := cmp.Diff(want, ids.String()); diff != "" {
		t.Errorf("migrations (-want +got):\n%s", diff)
	}
}

// compareLog compares statements with the log.
func compareLog(t *testing.T, list []*ordered.Statement, log []logged) {
	t.Helper()
	var got, want []string
	virtual := map[int]string{}
	for i, st := range list {
		got = append(got, strings.TrimSpace(st.Sent))
		want = append(want, strings.TrimSpace(log[i].text))
		if st.Transaction == 0 {
			if i > 0 && log[i-1].virtual == log[i].virtual && len(list[i-1].Tags) == 1 {
				t.Errorf("%s is in a transaction with the statement before it", st.Sent)
			}
			continue
		}
		if known := virtual[st.Transaction]; known != "" && known != log[i].virtual {
			t.Errorf("%s is in another transaction than those before it", st.Sent)
		}
		virtual[st.Transaction] = log[i].virtual
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-server +captured):\n%s", diff)
	}
	t.Logf("%d statements, %d transactions", len(list), len(virtual))
}

func TestKnex(t *testing.T) {
	runTool(t, "knex.txtar", []string{"node", "migrate.cjs"}, nil, pgservertest.RunnerPath(t, "knex"))
}

func TestTypeORM(t *testing.T) {
	runTool(t, "typeorm.txtar", []string{"node", "migrate.cjs"}, nil, pgservertest.RunnerPath(t, "typeorm"))
}

func TestSequelize(t *testing.T) {
	runTool(t, "sequelize.txtar", []string{"node", "migrate.cjs"}, nil, pgservertest.RunnerPath(t, "sequelize"))
}

// Both drivers: psycopg 2 puts values into the text, psycopg 3 sends them apart.
func TestAlembic(t *testing.T) {
	t.Parallel()
	for _, e := range [][2]string{{"alembic-1.13-psycopg2", "psycopg2"}, {"alembic-1.20-psycopg", "psycopg"}} {
		t.Run(e[1], func(t *testing.T) {
			program := pgservertest.VenvPath(t, e[0], "bin", "alembic")
			url := "SQLALCHEMY_URL=postgresql+" + e[1] + "://{user}:{password}@{host}:{port}/{database}"
			runTool(t, "alembic.txtar", []string{program, "upgrade", "head"}, []string{url}, "")
		})
	}
}

func TestPsql(t *testing.T) {
	component.NeedProgram(t, component.Psql, "psql")
	runTool(t, "psql.txtar", []string{"./migrate.sh"}, nil, "")
}

func TestActiveRecord(t *testing.T) {
	adaptertest.NeedRuby(t, "activerecord")
	runTool(t, "rails.txtar", []string{"ruby", "migrate.rb"}, nil, "")
}

func TestLaravel(t *testing.T) {
	adaptertest.NeedLaravel(t)
	runTool(t, "laravel.txtar", []string{"php", "migrate.php"}, nil, "")
}
