package audit

import (
	"testing"

	"github.com/onward-sql/onward/onward"
)

// A file of Rust that uses types of sqlx for SQLite only is no code of this database, even if a table has the same name.
func TestRustOfOtherDatabase(t *testing.T) {
	t.Parallel()
	const count = "sqlx::query_scalar(\"SELECT count(id) FROM events\").fetch_one(pool).await;\n"
	for name, tt := range map[string]struct {
		rust  string
		error bool
	}{
		"SQLite":   {"use sqlx::sqlite::SqlitePool;\n" + count, false},
		"Postgres": {"use sqlx::postgres::PgPool;\n" + count, true},
		"both":     {"use sqlx::{PgPool, SqlitePool};\n" + count, true},
		"unknown":  {count, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := changelog0(t, Config{Dir: repository(t,
				"-- migrations/00001_a.sql --\n-- +goose Up\nCREATE TABLE events (id int);\n-- client/src/store.rs --\n"+tt.rust,
				"-- migrations/00002_b.sql --\n-- +goose Up\nSET LOCAL lock_timeout = '2s';\nDROP TABLE events;\n"), Base: "main"})
			found := false
			for _, f := range r.Findings {
				found = found || f.Rule == "table-drop" && f.Severity == onward.Error
				if !tt.error && len(f.Evidence) > 0 {
					t.Errorf("evidence: %+v", f)
				}
			}
			if found != tt.error {
				t.Errorf("an error: %v, want %v: %+v", found, tt.error, r.Findings)
			}
		})
	}
}
