package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/onward"
)

// toolFiles returns the files of some migrations as a tool has them.
type toolFiles func(dir string, steps ...toolStep) map[string]string

type toolStep struct {
	number    int
	name, sql string
}

// filePerStep returns files with one pattern for their paths and one for their contents.
func filePerStep(path, content string) toolFiles {
	return func(dir string, steps ...toolStep) map[string]string {
		files := map[string]string{}
		for _, s := range steps {
			files[dir+"/"+fmt.Sprintf(path, s.number, s.name)] = strings.ReplaceAll(content, "SQL", s.sql)
		}
		return files
	}
}

func drizzleFiles(dir string, steps ...toolStep) map[string]string {
	files := filePerStep("%04d_%s.sql", "SQL\n")(dir, steps...)
	var entries []string
	for i, s := range steps {
		entries = append(entries, fmt.Sprintf("    {\n      \"idx\": %d,\n      \"when\": %d,\n      \"tag\": \"%04d_%s\",\n      \"breakpoints\": true\n    }",
			i, 1790000000000+s.number, s.number, s.name))
	}
	files[dir+"/meta/_journal.json"] = "{\n  \"dialect\": \"postgresql\",\n  \"entries\": [\n" + strings.Join(entries, ",\n") + "\n  ]\n}\n"
	return files
}

func railsFiles(dir string, steps ...toolStep) map[string]string {
	files := map[string]string{}
	for _, s := range steps {
		files[fmt.Sprintf("%s/202601%02d000000_%s.rb", dir, s.number, s.name)] = "class " + strings.ToUpper(s.name[:1]) + s.name[1:] +
			" < ActiveRecord::Migration[8.0]\n  def up\n    execute \"" + s.sql + "\"\n  end\nend\n"
	}
	return files
}

var threeRevisionTools = []struct {
	name, framework, dir string
	project              map[string]string
	files                toolFiles
}{
	{
		"golang-migrate", "golang-migrate", "db",
		map[string]string{"go.mod": "module example.com/pier\n\nrequire github.com/golang-migrate/migrate/v4 v4.18.1\n"},
		filePerStep("%06d_%s.up.sql", "SQL\n"),
	},
	{"goose", "goose", "db", nil, filePerStep("%05d_%s.sql", "-- +goose Up\nSQL\n")},
	{"flyway", "sql", "db/migration", nil, filePerStep("V%d__%s.sql", "SQL\n")},
	{
		"prisma", "sql", "prisma/migrations", map[string]string{"prisma/migrations/migration_lock.toml": "provider = \"postgresql\"\n"},
		filePerStep("202601%02d000000_%s/migration.sql", "SQL\n"),
	},
	{"rails", "rails", "db/migrate", map[string]string{"Gemfile": "gem 'rails', '8.0.2'\n"}, railsFiles},
	{"drizzle", "sql", "drizzle", map[string]string{"package.json": "{\"dependencies\": {\"drizzle-orm\": \"0.45.0\"}}\n"}, drizzleFiles},
}

// The base is what it names, and the head is judged as after a merge: the base's own migrations are neither new nor deleted.
func TestThreeRevisions(t *testing.T) {
	t.Parallel()
	start := toolStep{1, "start", "CREATE TABLE piers (id bigint PRIMARY KEY, berth text, tide text);"}
	other := toolStep{2, "other", "ALTER TABLE piers ADD COLUMN depth int;"}
	drop := toolStep{3, "drop", "ALTER TABLE piers DROP COLUMN berth;"}
	city := toolStep{4, "city", "ALTER TABLE piers ADD COLUMN city text;"}
	sameChange := toolStep{4, "again", "ALTER TABLE piers ADD COLUMN depth int;"}
	merge := func(files map[string]string, code string) map[string]string {
		out := map[string]string{"app.py": "rows = db.execute(\"" + code + "\")\n"}
		maps.Copy(out, files)
		return out
	}
	type steps []toolStep
	for name, tc := range map[string]struct {
		base, head         steps
		baseCode, headCode string
		want               []string
		migrations, ahead  int
	}{
		"behind the base":    {steps{start, other}, steps{start, city}, "SELECT id, depth FROM piers", "SELECT id FROM piers", nil, 1, 1},
		"only the base went": {steps{start, other}, steps{start}, "SELECT id FROM piers", "SELECT id FROM piers", nil, 0, 1},
		"a cherry-pick":      {steps{start, drop}, steps{start, drop, city}, "SELECT id FROM piers", "SELECT id FROM piers", nil, 1, 0},
		"only code differs":  {steps{start}, steps{start, city}, "SELECT tide FROM piers", "SELECT id FROM piers", nil, 1, 0},
		"the base's column": {
			steps{start, other}, steps{start, sameChange}, "SELECT id FROM piers", "SELECT id FROM piers",
			[]string{"error release-statement-fails"}, 1, 1,
		},
		"new code at the base": {
			steps{start, other}, steps{start, {4, "tide", "ALTER TABLE piers DROP COLUMN tide;"}}, "SELECT tide FROM piers", "SELECT id FROM piers",
			[]string{"error column-drop"}, 1, 1,
		},
	} {
		for _, tool := range threeRevisionTools {
			t.Run(name+"/"+tool.name, func(t *testing.T) {
				t.Parallel()
				first := merge(tool.files(tool.dir, start), "SELECT id FROM piers")
				maps.Copy(first, tool.project)
				dir := gittest.Commits(t, first, merge(tool.files(tool.dir, tc.head...), tc.headCode))
				gittest.RunGit(t, dir, "checkout", "-q", "-b", "deployed", "main")
				gittest.WriteFiles(t, dir, merge(tool.files(tool.dir, tc.base...), tc.baseCode))
				gittest.RunGit(t, dir, "add", "-A")
				gittest.RunGit(t, dir, "commit", "-q", "--allow-empty", "-m", "base")
				gittest.RunGit(t, dir, "tag", "v1")
				gittest.RunGit(t, dir, "checkout", "-q", "feature")
				r := changelog0(t, Config{Dir: dir, Base: "v1", Head: "feature"})
				var got []string
				for _, f := range r.Findings {
					if !slices.Contains([]string{"transaction-lock-timeout-missing", "column-added-unused"}, f.Rule) {
						got = append(got, f.Severity.String()+" "+f.Rule)
					}
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s\n%+v", diff, r.Findings)
				}
				if r.Summary.Migrations != tc.migrations {
					t.Errorf("%d migrations are new, want %d", r.Summary.Migrations, tc.migrations)
				}
				wantAhead := &onward.Ahead{Migrations: tc.ahead}
				if slices.EqualFunc(tc.base, steps{start}, func(a, b toolStep) bool { return a == b }) && tc.baseCode == "SELECT id FROM piers" {
					wantAhead = nil
				}
				if diff := cmp.Diff(wantAhead, r.Ahead); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

// A directory that moved keeps its history, also if onward.yaml names only the new one.
func TestMovedConfiguredDirectory(t *testing.T) {
	t.Parallel()
	start := toolStep{1, "start", "CREATE TABLE piers (id bigint PRIMARY KEY);"}
	for _, tool := range threeRevisionTools {
		t.Run(tool.name, func(t *testing.T) {
			t.Parallel()
			first := tool.files("old/"+tool.dir, start)
			next := tool.files("new/"+tool.dir, start, toolStep{2, "city", "ALTER TABLE piers ADD COLUMN city text;"})
			for path, text := range tool.project {
				first["old/"+path], next["new/"+path] = text, text
			}
			for path := range maps.Clone(first) {
				next[path] = ""
			}
			settings := config.Default()
			settings.Migrations = []config.Migrations{{Dir: "new/" + tool.dir, Framework: tool.framework}}
			r := changelog0(t, Config{Dir: gittest.Commits(t, first, next), Base: "main", Head: "feature", Settings: settings})
			if r.Summary.Migrations != 1 {
				t.Errorf("%d migrations are new: %+v", r.Summary.Migrations, r.Migrations)
			}
		})
	}
}
