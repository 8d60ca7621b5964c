//go:build unix

package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/onward-sql/onward/bench/measure"
)

// row is a line of the table: the same work by each program. Its command lines are words. {onward} is the program, {own} a directory that
// each program has for itself, {db} the address of a new database for each run, and {bench} is this program.
type row struct {
	name, what string
	short      bool   // it is in the short form
	input      string // of inputs: where it runs
	once       string // what each program runs once, before all else
	before     string // what runs before each run, and is not measured
	run        string // what is measured
	times      int    // how many runs count as one, if one is too short
	cold       bool   // without a cache
	cached     bool   // with a cache that no other program uses
	exit       int    // its exit code, beside 0
	peers      []peer
	waits      bool   // a load's waits are measured, in place of a command's cost
	dir        string // of a clone, in place of input
}

// peer is another program beside which this one is measured, in the same turns. A limit of 0 is none.
type peer struct {
	name, run string
	most      float64
}

const (
	changelog = "{onward} changelog --base base --head main --fail-on never"
	judged    = "`changelog` of a repository of 4,000 files of code and 500 migrations of each of five tools"
	planned   = "{onward} plan --base base --head main --format json --output {own}/plan.json"
)

// squawk gets its pattern, finds the files itself, and has its fastest reporter.
var squawk, grep = peer{"squawk", "squawk --reporter gcc **/*.sql", 2.1}, peer{"git grep", "git grep -w perihelion base", 0}

var rows = []row{
	{name: "start", what: "`version`: the start of the process", short: true, run: "{onward} version", times: 20},
	{name: "one", what: "`check` of one small file", short: true, input: "one", run: "{onward} check one.sql --fail-on never", times: 20,
		peers: []peer{{"squawk", "squawk --reporter gcc one.sql", 0}}},
	{name: "check", what: "`check` of 4,000 generated SQL files", short: true, input: "corpus", run: "{onward} check . --fail-on never", peers: []peer{squawk}},
	{name: "changelog-cold", what: judged + ", without a cache", short: true, input: "repository", run: changelog, cold: true,
		peers: []peer{grep}},
	{name: "changelog-warm", what: "the same with the cache of the run before", short: true, input: "repository", run: changelog, cached: true,
		peers: []peer{grep}},
	{name: "hook", what: "a coding assistant's edit of a migration there", input: "repository", run: "sh ../hook.sh {onward}", cached: true, exit: 2},
	{name: "keystroke", what: "40 keystrokes in a migration of 2,000 lines, `lsp`", input: "typed", run: "{bench} editor {onward} migrations/00002_step.sql"},
	{name: "plan", what: "`plan` of ten statements, with the proof", input: "planned", run: planned},
	{name: "rehearsal", what: "`rehearse` of ten statements on tables of 20,000 rows", input: "planned",
		run: "{onward} rehearse --base base --head main --rows all=2e4 --fail-on never"},
	{name: "record", what: "`record` of psql with 2,000 statements", input: "served", before: "psql -Xqf schema.sql {db}",
		run: "{onward} record --db {db} --output {own}/w.json -- psql -Xqf reads.sql"},
	{name: "guard", what: "`guard` of psql with ten changes", input: "served", before: "psql -Xqf schema.sql {db}",
		run: "{onward} guard --db {db} -- psql -Xqf changes.sql {db}"},
	{name: "apply", what: "`apply` of a plan of ten statements, without its backfills", input: "planned", once: planned,
		before: "psql -Xqf ../schema.sql {db}", run: "{onward} apply --db {db} --plan {own}/plan.json --through expand"},
	{name: "backfill", what: "`backfill` of that plan, on tables of 50,000 rows", input: "planned", once: planned,
		before: "sh ../expand.sh {onward} {db} {own}", run: "{onward} backfill --db {db}"},
	{name: "stalls", what: "the longest wait of a load while a reader holds the tables: at most 35 ms longer than without a migration", waits: true},
}

// inputs make what a row reads, in a directory.
var inputs = map[string]func(b *bench, dir string){
	"": func(*bench, string) {},
	"one": func(_ *bench, dir string) {
		measure.WriteFiles(dir, map[string]string{"one.sql": "-- The app shows who placed the order.\n" +
			"ALTER TABLE orders ADD COLUMN channel text NOT NULL DEFAULT 'web';\nCREATE INDEX orders_channel_idx ON orders (channel);\n" +
			"ALTER TABLE orders ADD CONSTRAINT orders_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id);\n"})
	},
	"corpus": func(b *bench, dir string) {
		measure.RunProgram(b, "", "go", "run", "./bench/corpus", "-files", "4000", "-seed", "1", "-out", dir)
	},
	"repository": func(b *bench, dir string) {
		base, release := generateRepository("flyway", "prisma", "rails", "knex", "typeorm")
		measure.MakeRepository(b, dir, base, release)
		measure.WriteFiles(filepath.Dir(dir), map[string]string{"hook.sh": "exec $1 hook < ../event.json", "event.json": fmt.Sprintf(
			`{"hook_event_name": "PreToolUse", "tool_name": "Write", "cwd": %q, "tool_input": {"file_path": %[1]q, "content": "CREATE TABLE t (id bigint);\n"}}`,
			filepath.Join(dir, "flyway", "V999__bench.sql"))})
	},
	"typed": func(b *bench, dir string) {
		schema, text := makeTypedMigration(2000)
		makeRelease(b, dir, schema, "SELECT 1;\n")
		measure.RunProgram(b, dir, "git", "reset", "-q", "base")
		measure.WriteFiles(dir, map[string]string{"migrations/00002_step.sql": "-- +goose Up\n" + text})
	},
	"planned": func(b *bench, dir string) {
		makeRelease(b, dir, servedSchema, servedChanges)
		measure.WriteFiles(filepath.Dir(dir), map[string]string{"schema.sql": servedSchema + servedRows,
			"expand.sh": "psql -Xqf ../schema.sql $2 && $1 apply --db $2 --plan $3/plan.json --through expand"})
	},
	"served": func(_ *bench, dir string) {
		measure.WriteFiles(dir, map[string]string{"schema.sql": servedSchema, "changes.sql": servedChanges,
			"reads.sql": strings.Repeat("SELECT total FROM orders WHERE id = 1;\nUPDATE customers SET note = 'seen' WHERE id = 2;\n", 1000)})
	},
}

const servedSchema = `CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL, country text, quota integer NOT NULL DEFAULT 5, note text);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL, total integer NOT NULL, status text NOT NULL DEFAULT 'open');
CREATE INDEX orders_customer_id_idx ON orders (customer_id);
`

const servedRows = `INSERT INTO customers SELECT i, 'm' || i, 'SE' FROM generate_series(1, 50000) AS i;
INSERT INTO orders SELECT i, i, i FROM generate_series(1, 50000) AS i;
ANALYZE;
`

const servedChanges = `CREATE INDEX ON orders (status);
ALTER TABLE orders ADD COLUMN channel text;
ALTER TABLE orders ADD CONSTRAINT orders_total_check CHECK (total > -2147483648);
ALTER TABLE customers ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();
ALTER TABLE customers RENAME COLUMN country TO nation;
ALTER TABLE customers ALTER COLUMN quota TYPE bigint;
ALTER TABLE customers ADD COLUMN plan text NOT NULL DEFAULT 'free';
CREATE INDEX ON customers (email);
ALTER TABLE orders ALTER COLUMN status SET DEFAULT 'new';
ALTER TABLE customers DROP COLUMN note;
`

// makeRelease makes a repository of two migrations: the base and the release.
func makeRelease(b *bench, dir, base, release string) {
	measure.MakeRepository(b, dir, map[string]string{"migrations/00001_step.sql": "-- +goose Up\n" + base},
		map[string]string{"migrations/00002_step.sql": "-- +goose Up\n" + release})
}

// listClones returns the rows of clones: PATH@BASE..HEAD, separated by spaces. The limits beside git grep are for PrairieLearn.
func listClones(text string) (list []row, err error) {
	for _, clone := range strings.Fields(text) {
		dir, revisions, isRange := strings.Cut(clone, "@")
		base, head, hasBoth := strings.Cut(revisions, "..")
		if !isRange || !hasBoth {
			return nil, fmt.Errorf("%s in REPOS is not PATH@BASE..HEAD", clone)
		}
		run, besideGrep := "{onward} changelog --base "+base+" --head "+head+" --fail-on never", "git grep -w perihelion "+base
		list = append(list,
			row{name: filepath.Base(dir) + "-cold", dir: dir, run: run, cold: true, exit: 3, peers: []peer{{"git grep", besideGrep, 4.5}}},
			row{name: filepath.Base(dir) + "-warm", dir: dir, run: run, cached: true, exit: 3, peers: []peer{{"git grep", besideGrep, 2.4}}})
	}
	return list, nil
}

// formatRows returns the rows as README.md has them.
func formatRows(a *anchor) string {
	var text strings.Builder
	text.WriteString("| row | what | times the anchor's CPU time, at most | beside |\n| --- | --- | --: | --- |\n")
	for _, r := range rows {
		_, most := a.find(r.name)
		limit, peers := fmt.Sprintf("%.2f", most), ""
		if r.waits {
			limit, peers = "", "psql"
		}
		if reason := a.exceptions[r.name].reason; reason != "" {
			limit += ": " + reason
		}
		for _, p := range r.peers {
			peers += "`" + p.run + "`"
			if p.most > 0 {
				peers += fmt.Sprintf(", at most %.2f", p.most)
			}
		}
		fmt.Fprintf(&text, "| `%s` | %s | %s | %s |\n", r.name, r.what, limit, peers)
	}
	return text.String()
}
