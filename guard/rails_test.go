package guard_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// Rails' own command, with its address in a variable: it is held back, it loses a race, it is cancelled while others
// wait for it, and its exit code is the same as without the guard.
func TestRails(t *testing.T) {
	t.Parallel()
	files := adaptertest.RailsFiles(t, "url: <%= ENV['DATABASE_URL'] %>", map[string]string{
		"db/migrate/20240102000000_add_note.rb": adaptertest.RailsMigration("AddNote", "add_column :items, :note, :string"),
	})
	// It dumps the schema after its migrations.
	files["config/application.rb"] = strings.Replace(files["config/application.rb"], "_after_migration = false", "_after_migration = true", 1)
	dir := gittest.NewDir(t, files)
	s := tool(t, dir, filepath.Join(dir, "bin/rails"), "db:migrate")
	s.c.Env = append(s.c.Env, "RAILS_ENV=production", "SECRET_KEY_BASE=x")
	s.run(s.other, "CREATE TABLE items (name text)", "INSERT INTO items VALUES ('a')", "CREATE TABLE gates AS SELECT 1")
	s.held("items", "SELECT count(*)::text FROM schema_migrations WHERE version = '20240102000000'")

	// It loses a race for a row. Then it holds its lock as long as there is a row in gates, and others wait for it.
	add(t, dir, "db/migrate/20240103000000_fill_note.rb", adaptertest.RailsMigration("FillNote",
		"execute \"UPDATE items SET note = 'secret'\"\n    add_column :items, :more, :string\n    execute 'SELECT pg_sleep(30) FROM gates'"))
	s.run(s.other, "BEGIN", "SELECT FROM items FOR UPDATE")
	stop := s.reads("items")
	r := s.guard("it is run again", func() { s.run(s.other, "COMMIT") }, func() { s.run(s.other, "DELETE FROM gates") })
	stop()
	if len(r.Runs) != 3 || r.ExitCode != 0 || r.Why != "" {
		t.Fatalf("the guarded run is %+v, want 3 runs and exit code 0\n%s", r, s.out.String())
	}
	for i, want := range []string{"55P03", "57014"} {
		if got := r.Runs[i]; got.ExitCode != 1 || got.Committed || len(got.Lost) != 1 || got.Lost[0].SQLSTATE != want {
			t.Errorf("run %d is %+v, want one race lost with %s and no commit\n%s", i+1, got, want, s.out.String())
		}
	}
	if b := r.Runs[1].Behind; b == nil || b.LongestMS < 1000 || b.LongestMS > 5000 {
		t.Errorf("the queue of waiters is %+v, want a longest wait of 1 to 5 s", b)
	}
	if got := s.one("SELECT string_agg(version, ' ' ORDER BY version) FROM schema_migrations"); got != "20240102000000 20240103000000" {
		t.Errorf("schema_migrations has %q, want both versions", got)
	}
	if !strings.Contains(s.out.String(), "PG::QueryCanceled") {
		t.Error("the command's own words are missing: " + s.out.String())
	}
}

// reads reads a table in a session until it is stopped, and waits as long as necessary.
func (s *stage) reads(table string) (stop func()) {
	s.t.Helper()
	conn := s.connect("web")
	stopped, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stopped:
				return
			case <-time.After(5 * time.Millisecond):
				s.run(conn, "SELECT count(*) FROM "+table)
			}
		}
	}()
	return func() { close(stopped); <-done }
}
