package audit

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/onward"
)

// Migrations for other databases are listed once for each database. The verdict on Postgres
// is the same without them.
func TestOtherDatabasesAreMentionedOnce(t *testing.T) {
	t.Parallel()
	const click = "CREATE TABLE e (id UInt64) ENGINE = MergeTree ORDER BY id;\n"
	r := changelog0(t, Config{Dir: repository(t,
		"-- db/migrations/00001_a.sql --\n-- +goose Up\nCREATE TABLE a (id bigint PRIMARY KEY);\n",
		"-- db/migrations/00002_b.sql --\n-- +goose Up\nCREATE TABLE b (id bigint PRIMARY KEY);\n"+
			"-- events/clickhouse/001_a.sql --\n"+click+"-- stats/clickhouse/001_a.sql --\n"+click+
			"-- phone/sqlite/001_a.sql --\nCREATE TABLE n (id INTEGER PRIMARY KEY AUTOINCREMENT);\n"), Base: "main"})
	if r.Summary.State != onward.StateSafe || r.Summary.Opaque != 0 || r.Summary.Verdict != "Safe to deploy." {
		t.Errorf("the release is %s with %d unread parts: %s, want it safe with none", r.Summary.State, r.Summary.Opaque, r.Summary.Verdict)
	}
	var got []string
	for _, o := range r.Opaque {
		got = append(got, o.What+": "+o.Path+": "+o.Why)
	}
	if len(got) != 2 || !strings.HasPrefix(got[0], "migrations for ClickHouse: events/clickhouse: ") ||
		!strings.HasSuffix(got[0], "more in stats/clickhouse") || !strings.HasPrefix(got[1], "migrations for SQLite: phone/sqlite: ") {
		t.Errorf("the unread parts are %q, want one for ClickHouse and one for SQLite", got)
	}
}

// A pattern of accept_opaque holds for what could not be read at all, too.
func TestAcceptOpaque(t *testing.T) {
	t.Parallel()
	dir := repository(t, "-- db/migrations/00001_a.sql --\n-- +goose Up\nCREATE TABLE a (id bigint PRIMARY KEY);\n",
		"-- db/migrations/00002_b.sql --\n-- +goose Up\nCREATE TABEL b (id bigint);\n")
	for pattern, failed := range map[string]bool{"db/migrations/*_b.sql": false, "**/0000?_b.sql": false, "db/": false, "db/*.sql": true} {
		r := changelog0(t, Config{Dir: dir, Base: "main", Settings: &config.Config{AcceptOpaque: config.Accept{Patterns: []string{pattern}}}})
		if len(r.Opaque) != 1 || r.Opaque[0].Failed != failed {
			t.Errorf("%s: the unread parts are %+v, want 1 that counts: %v", pattern, r.Opaque, failed)
		}
	}
}

// Files for another database are listed once, and are a failure only if nothing else is judged.
func TestCheckOfOtherDatabases(t *testing.T) {
	t.Parallel()
	const (
		server = "CREATE TABLE [dbo].[u] (id INT IDENTITY(1,1));\nGO\n"
		second = "ALTER TABLE u ADD a INT NULL;\n"
		own    = "CREATE TABLE b (id bigint PRIMARY KEY);\n"
	)
	for name, tt := range map[string]struct {
		files, paths string
		stdin        string
		migrations   int
		failed       bool
		opaque       int
	}{
		"a directory":              {files: "-- db/001_a.sql --\n" + server + "-- db/002_b.sql --\n" + second, paths: "db", failed: true, opaque: 1},
		"a file":                   {files: "-- db/x.sql --\n" + server, paths: "db/x.sql", failed: true, opaque: 1},
		"standard input":           {stdin: server, paths: "-", failed: true, opaque: 1},
		"beside Postgres":          {files: "-- db/mine/001_a.sql --\n" + own + "-- db/other/001_a.sql --\n" + server, paths: "db", migrations: 1, opaque: 1},
		"a word of it in Postgres": {files: "-- db/001_a.sql --\nCREATE TABLE u (auto_increment boolean);\n", paths: "db/001_a.sql", migrations: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := repository(t, "-- README --\n\n", "-- x --\n\n"+tt.files)
			r, err := Check(t.Context(), CheckConfig{Dir: dir, Paths: []string{tt.paths}, Stdin: strings.NewReader(tt.stdin)})
			if err != nil {
				t.Fatal(err)
			}
			failed := false
			for _, o := range r.Opaque {
				failed = failed || o.Failed
			}
			if len(r.Migrations) != tt.migrations || failed != tt.failed || len(r.Opaque) != tt.opaque || len(r.Findings) > 0 && tt.migrations == 0 {
				t.Errorf("%d migrations, failed: %t, %+v %+v", len(r.Migrations), failed, r.Opaque, r.Findings)
			}
		})
	}
}
