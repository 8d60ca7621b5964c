package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// Active Record loads the columns of a table when a program starts: the plan says which line its model needs before the contract.
func TestIgnoredColumns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ignored string
		noted   bool
	}{
		"loaded":  {"", true},
		"ignored": {"  self.ignored_columns += [\"name\"]\n", false},
	} {
		dir := gittest.Commits(t, map[string]string{
			"Gemfile": "gem \"rails\", \"~> 7.1\"\ngem \"pg\"\n",
			"db/migrate/20240101000000_create_users.rb": "class CreateUsers < ActiveRecord::Migration[7.1]\n  def change\n    create_table :users do |t|\n" +
				"      t.string :name\n    end\n  end\nend\n",
			"app/models/user.rb": "class User < ApplicationRecord\n" + c.ignored + "end\n",
		})
		gittest.RunGit(t, dir, "checkout", "-q", "-b", "feature")
		gittest.WriteFiles(t, dir, map[string]string{
			"db/migrate/20240102000000_rename.rb": "class Rename < ActiveRecord::Migration[7.1]\n  def change\n    rename_column :users, :name, :full_name\n  end\nend\n",
		})
		p := makePlan(t, plan.Config{Sketch: true, Config: rehearse.Config{Config: audit.Config{Dir: dir, Base: "main"}}})
		if noted := slices.ContainsFunc(p.Notes, func(n string) bool {
			return strings.Contains(n, `release self.ignored_columns += ["name"] in User`)
		}); noted != c.noted {
			t.Errorf("%s: %q", name, p.Notes)
		}
	}
}
