//go:build unix

package main

import (
	"fmt"
	"maps"
	"strings"

	"github.com/onward-sql/onward/bench/cost"
	"github.com/onward-sql/onward/bench/measure"
)

// adaptedMigrations is the number of migrations of each tool. The release adds half of them.
const adaptedMigrations = 1000

// adaptedTool writes the files of one tool.
type adaptedTool struct {
	name     string
	settings string // onward.yaml
	file     func(i int, sql string) (name, text string)
	// extra are files beside the migrations, by name.
	extra map[string]string
}

// listAdaptedTools lists tools that commit after each file or statement: one transaction for all files has findings and a plan, whose
// cost is not the adapter's.
func listAdaptedTools() []adaptedTool {
	script := func(before, after string) func(int, string) string {
		return func(i int, sql string) string { return fmt.Sprintf(before, i, sql) + after }
	}
	typeorm := script("export class Step%[1]d1700000000000 {\n  async up(queryRunner) {\n    await queryRunner.query(`%[2]s`);\n  }\n", "  async down() {}\n}\n")
	knex := script("exports.up = (knex) => knex.raw(`%[2]s`); // %[1]d\n", "exports.down = () => {};\n")
	rails := script("class Step%04[1]d < ActiveRecord::Migration[7.1]\n  def up\n    execute %[2]q\n  end\nend\n", "")
	return []adaptedTool{
		{
			name: "plain SQL", settings: "migrations: [{dir: db, framework: sql, transaction: file}]\n",
			file: func(i int, sql string) (string, string) { return fmt.Sprintf("db/%05d_step.sql", i), sql + "\n" },
		},
		{
			name: "goose",
			file: func(i int, sql string) (string, string) {
				return fmt.Sprintf("db/%05d_step.sql", i), "-- +goose Up\n" + sql + "\n-- +goose Down\nSELECT 1;\n"
			},
		},
		{
			name: "Flyway",
			file: func(i int, sql string) (string, string) { return fmt.Sprintf("db/V%d__step.sql", i), sql + "\n" },
		},
		{
			name: "Rails, execute",
			file: func(i int, sql string) (string, string) {
				return fmt.Sprintf("db/migrate/2024%010d_step%04d.rb", i, i), rails(i, sql)
			},
		},
		{
			name: "TypeORM",
			file: func(i int, sql string) (string, string) {
				return fmt.Sprintf("src/migrations/%013d-Step%d.ts", i, i), typeorm(i, sql)
			},
			extra: map[string]string{
				"package.json":   `{"dependencies": {"typeorm": "1.1.0"}}`,
				"data-source.ts": "new DataSource({type: 'postgres', migrations: ['src/migrations/*.ts'], migrationsTransactionMode: 'each'});\n",
			},
		},
		{
			name: "Knex",
			file: func(i int, sql string) (string, string) {
				return fmt.Sprintf("migrations/2024%010d_step.js", i), knex(i, sql)
			},
			extra: map[string]string{
				"package.json": `{"dependencies": {"knex": "3.3.0"}}`,
				"knexfile.js":  "module.exports = {client: 'pg', migrations: {disableTransactions: true}};\n",
			},
		},
	}
}

// measureAdapters compares the least CPU time of onward changelog on the same statements as files of several migration tools and as
// plain SQL files.
func measureAdapters(b *measure.Bench) {
	list := listAdaptedTools()
	var commands []cost.Command
	for i := range list {
		commands = append(commands, list[i].makeCommand(b))
	}
	least := make([]cost.Usage, len(list))
	for round := range b.Rounds {
		for i := range commands { // in turn, so that a slow moment costs all of them
			if u := measure.Must(cost.Run(b, commands[i])); round == 0 || u.CPU < least[i].CPU {
				least[i] = u
			}
		}
	}
	for i := range list {
		took := least[i].CPU.Seconds()
		b.Check("adapters/cpu", list[i].name+", beside plain SQL", took/least[0].CPU.Seconds(), fmt.Sprintf("%.2f s", took))
	}
}

// makeCommand makes a repository, and returns the command. It checks that the command judges the whole release.
func (t *adaptedTool) makeCommand(b *measure.Bench) cost.Command {
	base, head := map[string]string{}, map[string]string{}
	maps.Copy(base, t.extra)
	if t.settings != "" {
		base["onward.yaml"] = t.settings
	}
	for i := range adaptedMigrations {
		sql := fmt.Sprintf("ALTER TABLE t%d ADD COLUMN c%d text;", i%50, i)
		if i < 50 {
			sql = fmt.Sprintf("CREATE TABLE t%d (id bigint PRIMARY KEY, name text);", i)
		}
		files := base
		if i >= adaptedMigrations/2 {
			files = head
		}
		name, text := t.file(i+1, sql)
		files[name] = text
	}
	dir := b.Repository(base, head)
	args := []string{"changelog", "--base", "base", "--format", "json"}
	out, _ := b.Run(measure.Command{Dir: dir, Fine: []int{1}}, b.Program(), args...) // findings exit with 1
	if n := strings.Count(out, `"sql": "ALTER TABLE t`); n < adaptedMigrations/2 {
		measure.Check(fmt.Errorf("%s: %d of %d statements are judged", t.name, n, adaptedMigrations/2))
	}
	return cost.Command{Name: t.name, Path: b.Program(), Args: args, Dir: dir, Fine: []int{0, 1}}
}
