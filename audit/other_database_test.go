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
		t.Errorf("%s (%d): %s", r.Summary.State, r.Summary.Opaque, r.Summary.Verdict)
	}
	var got []string
	for _, o := range r.Opaque {
		got = append(got, o.What+": "+o.Path+": "+o.Why)
	}
	if len(got) != 2 || !strings.HasPrefix(got[0], "migrations for ClickHouse: events/clickhouse: ") ||
		!strings.HasSuffix(got[0], "more in stats/clickhouse") || !strings.HasPrefix(got[1], "migrations for SQLite: phone/sqlite: ") {
		t.Errorf("%q", got)
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
			t.Errorf("%s: %+v", pattern, r.Opaque)
		}
	}
}
