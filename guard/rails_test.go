package guard_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// Rails' own command, with its address in a variable: it is held back, it loses a race, it is cancelled while others
// wait for it, and its exit code is the same as without the guard.
func TestRails(t *testing.T) {
	t.Parallel()
	if err := exec.Command("ruby", "-e", `gem "railties"; gem "activerecord"; gem "pg"`).Run(); err != nil {
		pgservertest.SkipOrFail(t, err)
	}
	dir := project(t, map[string]string{
		"bin/rails": "#!/usr/bin/env ruby\nAPP_PATH = File.expand_path('../config/application', __dir__)\nrequire 'rails/commands'\n",
		"Rakefile":  "require_relative 'config/application'\nRails.application.load_tasks\n",
		"config/application.rb": "require 'rails'\nrequire 'active_record/railtie'\nmodule Shop\n  class Application < Rails::Application\n" +
			"    config.load_defaults 6.1\n    config.eager_load = false\n  end\nend\n",
		"config/environment.rb":                 "require_relative 'application'\nRails.application.initialize!\n",
		"config/database.yml":                   "production:\n  adapter: postgresql\n  url: <%= ENV['DATABASE_URL'] %>\n",
		"db/migrate/20240102000000_add_note.rb": railsMigration("AddNote", "add_column :items, :note, :string"),
	})
	if err := os.Chmod(filepath.Join(dir, "bin/rails"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := tool(t, dir, filepath.Join(dir, "bin/rails"), "db:migrate")
	s.c.Env = append(s.c.Env, "RAILS_ENV=production", "SECRET_KEY_BASE=x")
	s.run(s.other, "CREATE TABLE items (name text)", "INSERT INTO items VALUES ('a')", "CREATE TABLE gates AS SELECT 1")
	s.held("items", "SELECT count(*)::text FROM schema_migrations WHERE version = '20240102000000'")

	// It loses a race for a row. Then it holds its lock as long as there is a row in gates, and others wait for it.
	add(t, dir, "db/migrate/20240103000000_fill_note.rb", railsMigration("FillNote",
		"execute \"UPDATE items SET note = 'secret'\"\n    add_column :items, :more, :string\n    execute 'SELECT pg_sleep(30) FROM gates'"))
	s.run(s.other, "BEGIN", "SELECT FROM items FOR UPDATE")
	stop := s.reads("items")
	r := s.guard("it is run again", func() { s.run(s.other, "COMMIT") }, func() { s.run(s.other, "DELETE FROM gates") })
	stop()
	if len(r.Runs) != 3 || r.ExitCode != 0 || r.Why != "" {
		t.Fatalf("%+v\n%s", r, s.out.String())
	}
	for i, want := range []string{"55P03", "57014"} {
		if got := r.Runs[i]; got.ExitCode != 1 || got.Committed || len(got.Lost) != 1 || got.Lost[0].SQLSTATE != want {
			t.Errorf("%s: %+v\n%s", want, got, s.out.String())
		}
	}
	if b := r.Runs[1].Behind; b == nil || b.LongestMS < 1000 || b.LongestMS > 5000 {
		t.Errorf("%+v", b)
	}
	if got := s.one("SELECT string_agg(version, ' ' ORDER BY version) FROM schema_migrations"); got != "20240102000000 20240103000000" {
		t.Error(got)
	}
	if !strings.Contains(s.out.String(), "PG::QueryCanceled") {
		t.Error("the command's own words are missing: " + s.out.String())
	}
}

func railsMigration(name, up string) string {
	return "class " + name + " < ActiveRecord::Migration[6.1]\n  def up\n    " + up + "\n  end\nend\n"
}

// reads reads a table in a session until it is stopped, and waits as long as necessary.
func (s *stage) reads(table string) (stop func()) {
	s.t.Helper()
	conn := s.connect("web")
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-over:
				return
			case <-time.After(5 * time.Millisecond):
				s.run(conn, "SELECT count(*) FROM "+table)
			}
		}
	}()
	return func() { close(over); <-done }
}
