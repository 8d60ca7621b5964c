// Command adapters compares the CPU time of onward changelog on the same statements as files of several migration tools and as
// plain SQL files.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/onward-sql/onward/bench/cost"
	"github.com/onward-sql/onward/bench/release"
	"github.com/onward-sql/onward/bench/run"
	"github.com/onward-sql/onward/bench/table"
)

// limit is how many times the CPU time of the plain files a tool may take. The aim was 1.2.
const limit = 1.6

// tool writes the files of one tool.
type tool struct {
	name     string
	settings string // onward.yaml
	file     func(i int, sql string) (name, text string)
	// extra are files beside the migrations, by name.
	extra map[string]string
}

func listTools() []tool {
	script := func(before, after string) func(int, string) string {
		return func(i int, sql string) string { return fmt.Sprintf(before, i, sql) + after }
	}
	typeorm := script("export class Step%[1]d1700000000000 {\n  async up(queryRunner) {\n    await queryRunner.query(`%[2]s`);\n  }\n", "  async down() {}\n}\n")
	knex := script("exports.up = (knex) => knex.raw(`%[2]s`); // %[1]d\n", "exports.down = () => {};\n")
	rails := script("class Step%04[1]d < ActiveRecord::Migration[7.1]\n  def up\n    execute %[2]q\n  end\nend\n", "")
	return []tool{
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
			extra: map[string]string{"package.json": `{"dependencies": {"typeorm": "1.1.0"}}`},
		},
		{
			name: "Knex",
			file: func(i int, sql string) (string, string) {
				return fmt.Sprintf("migrations/2024%010d_step.js", i), knex(i, sql)
			},
			extra: map[string]string{
				"package.json": `{"dependencies": {"knex": "3.3.0"}}`, "knexfile.js": "module.exports = {client: 'pg'};\n",
			},
		},
	}
}

func main() {
	cost.RunOne()
	migrations := flag.Int("migrations", 1000, "migrations of each tool, of which the release adds half")
	rounds := flag.Int("rounds", 5, "rounds, of which the least is printed")
	flag.Parse()
	run.ExitIf(compareTools(context.Background(), *migrations, *rounds))
}

func compareTools(ctx context.Context, migrations, rounds int) (missed bool, err error) {
	dir, err := os.MkdirTemp("", "onward-bench-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "onward")
	if err := run.BuildOnward(ctx, program); err != nil {
		return false, err
	}
	list := listTools()
	var commands []cost.Command
	for i := range list {
		c, err := list[i].makeCommand(filepath.Join(dir, fmt.Sprint(i)), program, migrations)
		if err != nil {
			return false, err
		}
		commands = append(commands, c)
	}
	least := make([]cost.Usage, len(list))
	for round := range rounds {
		for i := range commands { // in turn, so that a slow moment costs all of them
			u, err := cost.Run(ctx, commands[i])
			if err != nil {
				return false, err
			}
			if round == 0 || u.CPU < least[i].CPU {
				least[i] = u
			}
		}
	}
	var t table.Table
	for i := range list {
		took := least[i].CPU.Seconds()
		ratio := took / least[0].CPU.Seconds()
		t.PrintLine(list[i].name+", beside plain SQL", fmt.Sprintf("%.2f s, %.2f", took, ratio), ratio <= limit, fmt.Sprint(limit))
	}
	return t.Missed, nil
}

// makeCommand makes a repository, and returns the command. It checks that the command judges the whole release.
func (t *tool) makeCommand(dir, program string, migrations int) (cost.Command, error) {
	base, head := map[string]string{}, map[string]string{}
	for name, text := range t.extra {
		base[name] = text
	}
	if t.settings != "" {
		base["onward.yaml"] = t.settings
	}
	for i := range migrations {
		sql := fmt.Sprintf("ALTER TABLE t%d ADD COLUMN c%d text;", i%50, i)
		if i < 50 {
			sql = fmt.Sprintf("CREATE TABLE t%d (id bigint PRIMARY KEY, name text);", i)
		}
		to := base
		if i >= migrations/2 {
			to = head
		}
		name, text := t.file(i+1, sql)
		to[name] = text
	}
	if err := release.Repository(dir, base, head); err != nil {
		return cost.Command{}, err
	}
	args := []string{"changelog", "--base", "base", "--format", "json"}
	check := exec.Command(program, args...)
	check.Dir = dir
	out, _ := check.Output() // findings exit with 1
	if n := strings.Count(string(out), `"sql": "ALTER TABLE t`); n < migrations-migrations/2 {
		return cost.Command{}, fmt.Errorf("%s: %d of %d statements are judged", t.name, n, migrations-migrations/2)
	}
	return cost.Command{Name: t.name, Path: program, Args: args, Dir: dir, Fine: []int{0, 1}}, nil
}
