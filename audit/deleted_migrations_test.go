package audit

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/history"
)

// A database has recorded the last Alembic revision, so only that one is missed. Django records each.
func TestDeletedRevisions(t *testing.T) {
	t.Parallel()
	m := func(id string, after ...string) *adapter.Migration {
		return &adapter.Migration{ID: id, Path: id + ".py", After: after}
	}
	first, last, app := m("1a"), m("2b", "1a"), m("port.0001_first")
	for name, tc := range map[string]struct {
		framework  string
		base, head []*adapter.Migration
		refuses    string
		app        string
	}{
		"the last revision":     {"alembic", []*adapter.Migration{first, last}, []*adapter.Migration{first}, "2b", ""},
		"all, for a baseline":   {"alembic", []*adapter.Migration{first, last}, []*adapter.Migration{m("3c")}, "2b", ""},
		"those before the last": {"alembic", []*adapter.Migration{first, last}, []*adapter.Migration{m("2b")}, "", ""},
		"an app of Django":      {"django", []*adapter.Migration{app}, []*adapter.Migration{m("other.0001_first")}, "", "port"},
	} {
		behavior := adapter.HistoryBehavior{Deleted: "it refuses", RecordsLeaves: tc.framework == "alembic"}
		p := pair{
			source: adapter.Source{Framework: tc.framework}, base: &adapter.Set{Migrations: tc.base, HistoryBehavior: behavior},
			head: &adapter.Set{Migrations: tc.head},
		}
		c := compareRevisions(p, nil)
		refuses, deletedApps := "", ""
		for _, h := range c.history {
			if h.Kind == history.Deleted && strings.Contains(h.Runner, "refuses") {
				refuses += h.Migration
			}
			deletedApps += h.App
		}
		if refuses != tc.refuses || deletedApps != tc.app {
			t.Errorf("%s: refuses for %q, app %q", name, refuses, deletedApps)
		}
	}
}

// Drizzle runs only entries that are newer than the newest applied one: a squash with its time runs nowhere, one with a later time
// everywhere.
func TestDrizzleSquash(t *testing.T) {
	t.Parallel()
	base := drizzleFiles("drizzle", toolStep{1, "start", "CREATE TABLE piers (id bigint PRIMARY KEY);"},
		toolStep{2, "city", "ALTER TABLE piers ADD COLUMN city text;"})
	base["package.json"] = "{\"dependencies\": {\"drizzle-orm\": \"0.45.0\"}}\n"
	for number, want := range map[int]string{2: "", 3: "error"} {
		head := drizzleFiles("drizzle", toolStep{number, "baseline", "CREATE TABLE piers (id bigint PRIMARY KEY, city text);"})
		head["drizzle/0001_start.sql"], head["drizzle/0002_city.sql"] = "", ""
		r := changelog0(t, Config{Dir: gittest.Commits(t, base, head), Base: "main"})
		if got := severityOf(r, "release-statement-fails"); got != want {
			t.Errorf("time %d: %q, want %q: %v", number, got, want, found(r))
		}
	}
}

// An applied migration that is a program was edited: what counts is what it does, not what is read of it as SQL.
func TestEditedPrograms(t *testing.T) {
	t.Parallel()
	ruby := "class Grant < ActiveRecord::Migration[8.0]\n  def up\n    Guest.find_each { |g| g.update!(paid: true) }\n  end\n\n" +
		"  def down\n    Guest.update_all(paid: nil)\n  end\nend\n"
	js := "module.exports = {\n  async up(queryInterface) {\n" +
		"    const [all] = await queryInterface.sequelize.query('SELECT * FROM guests');\n" +
		"    for (const g of all) await queryInterface.sequelize.query(`UPDATE guests SET paid = true WHERE id = ${g.id}`);\n  },\n" +
		"  async down(queryInterface) {\n    await queryInterface.sequelize.query('UPDATE guests SET paid = NULL');\n  },\n};\n"
	for _, tool := range []struct{ name, path, text, comment, config string }{
		{"rails", "db/migrate/20260102000000_grant.rb", ruby, "# ", "-- Gemfile --\ngem 'rails', '8.0.2'\n"},
		{"sequelize", "migrations/20260102000000-grant.js", js, "// ", "-- package.json --\n{\"dependencies\": {\"sequelize\": \"6.37.0\"}}\n"},
	} {
		for edit, want := range map[string]string{
			strings.Replace(tool.text, "true", "false", 1):                                     "warning",
			strings.Replace(tool.text, "paid", "owed", 1):                                      "warning",
			tool.comment + "why\n" + tool.text:                                                 "info",
			strings.Replace(tool.text, "\n    ", "\n      ", 1):                                "info",
			strings.Replace(strings.Replace(tool.text, "NULL", "false", 1), "nil", "false", 1): "info",
		} {
			base := tool.config + "-- " + tool.path + " --\n" + tool.text
			r := changelog0(t, Config{Dir: repository(t, base, "-- "+tool.path+" --\n"+edit), Base: "main"})
			if got := severityOf(r, "release-migration-edited"); got != want {
				t.Errorf("%s: %q, want %q: %v\n%s", tool.name, got, want, found(r), edit)
			}
		}
	}
}
