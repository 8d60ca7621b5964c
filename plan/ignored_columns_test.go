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
			t.Errorf("%s: a note asks for ignored_columns: %t, want %t; notes: %q", name, noted, c.noted, p.Notes)
		}
	}
}

// A mapper of explicit columns names each of them in its queries: the plan names the places at which the new code still has a column that the contract drops.
// A column that comes back under its name is none.
func TestExplicitColumns(t *testing.T) {
	t.Parallel()
	const (
		base       = "CREATE TABLE users (id bigint PRIMARY KEY, nick text, age int);\n"
		rename     = "ALTER TABLE users RENAME COLUMN nick TO handle;\nALTER TABLE users DROP COLUMN age;\n"
		sqlAlchemy = "from sqlalchemy import Column, BigInteger, Text, Integer\nfrom sqlalchemy.orm import DeclarativeBase\n\n\nclass Base(DeclarativeBase):\n" +
			"    pass\n\n\nclass User(Base):\n    __tablename__ = \"users\"\n    id = Column(BigInteger, primary_key=True)\n    NAME = Column(Text)\n"
		typeORM = "import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm'\n\n@Entity('users')\nexport class User {\n" +
			"  @PrimaryGeneratedColumn()\n  id: number\n\n  @Column()\n  NAME: string\n"
	)
	for name, c := range map[string]struct {
		path, base, head, sql string
		want                  string
	}{
		"SQLAlchemy": {"app/models.py", sqlAlchemy + "    age = Column(Integer)\n", sqlAlchemy + "    age = Column(Integer)\n", rename,
			"remove age of users from the code: the new code still has it at app/models.py:13 (age = Column(Integer))"},
		"SQLAlchemy, removed": {"app/models.py", sqlAlchemy + "    age = Column(Integer)\n", sqlAlchemy, rename, ""},
		"TypeORM": {"src/user.ts", typeORM + "\n  @Column()\n  age: number\n}\n", typeORM + "\n  @Column()\n  age: number\n}\n", rename,
			"remove age of users from the code: the new code still has it at src/user.ts:12 (age: number)"},
		"TypeORM, removed": {"src/user.ts", typeORM + "\n  @Column()\n  age: number\n}\n", typeORM + "}\n", rename, ""},
		"a query":          {"app.go", "package app\n", "package app\n\nconst q = `SELECT age FROM users`\n", rename, "it at app.go:3 ("},
		"another type": {"app/models.py", sqlAlchemy + "    age = Column(Integer)\n", sqlAlchemy + "    age = Column(BigInteger)\n",
			"ALTER TABLE users RENAME COLUMN nick TO handle;\nALTER TABLE users ALTER COLUMN age TYPE bigint;\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := gittest.Commits(t,
				map[string]string{"m/00001_a.sql": "-- +goose Up\n" + base, c.path: strings.ReplaceAll(c.base, "NAME", "nick")},
				map[string]string{"m/00002_b.sql": "-- +goose Up\n" + c.sql, c.path: strings.ReplaceAll(c.head, "NAME", "handle")})
			p := makePlan(t, plan.Config{Sketch: true, Config: rehearse.Config{Config: audit.Config{Dir: dir, Base: "main"}}})
			notes := slices.DeleteFunc(slices.Clone(p.Notes), func(n string) bool { return !strings.Contains(n, "from the code: the new code still has it at") })
			if (c.want == "") != (len(notes) == 0) || c.want != "" && !strings.Contains(notes[0], c.want) || len(notes) > 1 {
				t.Errorf("want the note %q (empty: none); the plan's notes are %q", c.want, p.Notes)
			}
		})
	}
}
