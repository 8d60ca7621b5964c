package audit

import (
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/onward"
)

// ON CONFLICT in the code on exactly these columns is an error. On other columns or tables it is nothing. A mapper's
// call, or SQL that is built at run time, is a possible use.
func TestUpsertsOnColumns(t *testing.T) {
	t.Parallel()
	const spelled = "const other = `INSERT INTO b (n) VALUES (1) ON CONFLICT (n) DO NOTHING`\n"
	for code, want := range map[string]string{
		"`INSERT INTO a (n) VALUES (1) ON CONFLICT (n) DO NOTHING`":                                       "error",
		"`insert into public.\"a\" (n)\n  VALUES (1)\n  on conflict (\"n\")\n  do nothing`":               "error",
		"`INSERT INTO a (n) VALUES (1) ON CONFLICT ON CONSTRAINT a_n DO NOTHING`":                         "error",
		"`INSERT INTO a (n) VALUES (1) ON CONFLICT (n, m) DO NOTHING`":                                    "",
		"`INSERT INTO a (n) VALUES (1) ON CONFLICT DO NOTHING`":                                           "",
		"`INSERT INTO b (n) VALUES (1) ON CONFLICT (n) DO NOTHING`":                                       "",
		"`INSERT INTO a (n) VALUES (1); INSERT INTO b (n) VALUES (1) ON CONFLICT (n) DO NOTHING`":         "",
		"`INSERT INTO a (n) VALUES (1) ON CONFLICT DO NOTHING; INSERT INTO b VALUES (1) ON CONFLICT (n)`": "",
		"fmt.Sprintf(`INSERT INTO %s (n) VALUES (1) ON CONFLICT (n) DO NOTHING`, table)":                  "warning",
		"fmt.Sprintf(`INSERT INTO %s (n) VALUES (1) ON CONFLICT (m) DO NOTHING`, table)":                  "",
		"fmt.Sprintf(`INSERT INTO a (n) VALUES (1) ON CONFLICT (%s) DO NOTHING`, key)":                    "warning",
		"`INSERT INTO a (n) VALUES (1) ON CONFLICT ` + target":                                            "warning",
		"db.insert(a).onConflictDoUpdate({target: a.n})":                                                  "warning",
		"db.insert(b).onConflictDoUpdate({target: b.n})":                                                  "",
		"prisma.a.upsert({where: {n: 1}})":                                                                "warning",
		"prisma.b.upsert({where: {a: {n: 1}}})":                                                           "",
		"prisma.aSetting.upsert({where: {a: 1}})":                                                         "",
		"this.aRepo.upsert(a)": "warning",
		"`INSERT INTO a (n) VALUES (1) ON CONFLICT (lower(n)) DO NOTHING`":                               "",
		"db.from('a').upsert(rows)":                                                                      "warning",
		"db.insert(a).values(rows).onConflictDoNothing()":                                                "",
		"db.insert(a).values(rows).onConflictDoNothing({ target: a.n })":                                 "warning",
		"db.Clauses(clause.OnConflict{DoNothing: true}).Create(&a)":                                      "",
		"store.a.Upsert(ctx, row)":                                                                       "warning",
		"tx.A.Create().\n\tSetN(1).\n\tOnConflict(sql.ConflictColumns(\"n\")).Exec(ctx)":                 "warning",
		"tx.B.Create().\n\tSetA(a).\n\tOnConflict(sql.ConflictColumns(\"n\")).Exec(ctx)":                 "",
		"1\nfunc (c *ACreate) OnConflict(opts ...sql.ConflictOption) *AUpsertOne {\n\treturn a\n}":       "",
		"store.Upsert(ctx, a)\n" + spelled:                                                               "",
		"db.NewInsert().Model(&a).On(\"CONFLICT (n) DO NOTHING\")":                                       "warning",
		"knex('a').insert(r).onConflict('n').ignore()":                                                   "error",
		"await trx('a')\n  .insert(r)\n  .onConflict(['n'])\n  .merge()":                                 "error",
		"knex('b').insert(a).onConflict('n').ignore()":                                                   "",
		"knex('a').select();\nq.insert(r).onConflict('n').ignore()":                                      "warning",
		"knex('b').insert(a).onConflict(cols).ignore()":                                                  "",
		"db.insertInto('a').onConflict((oc) => oc.constraint('a_n').doNothing())":                        "error",
		"insert(a).on_conflict_do_update(constraint=\"a_n\", set_={})":                                   "warning",
		"insert(a).on_conflict_do_update(constraint=\"a_m\", set_={})":                                   "",
		"A.upsert_all(rows, unique_by: :n)":                                                              "warning",
		"A.upsert_all(rows, unique_by: [:n, :m])":                                                        "",
		"A.upsert_all(rows, unique_by: :index_a_on_n)":                                                   "warning",
		"knex('a').insert(r).onConflict(['n', 'm']).merge()":                                             "",
		"knex('a').insert(r).onConflict('m').ignore()\ny = knex('a').insert(r).onConflict('n').ignore()": "error",
		"db.insertInto('a').onConflict((oc) =>\n\toc.columns(['m']).doNothing())":                        "",
		"db.insertInto('a').onConflict((oc) => oc.column('n').doNothing())":                              "error",
		"insert(a).on_conflict_do_update(\n\tindex_elements=[\"m\"], set_={})":                           "",
		"db.Clauses(clause.OnConflict{\n\tColumns: []clause.Column{{Name: \"m\"}},\n}).Create(a)":        "",
		"Repo.insert(%A{}, on_conflict: :replace_all, conflict_target: :n)":                              "warning",
		"Repo.insert_all(A, rows,\n  on_conflict: {:replace, [:m]},\n  conflict_target: [:n])":           "warning",
		"Repo.insert(%A{}, on_conflict: :replace_all, conflict_target: [:n, :m])":                        "",
		"Repo.insert(%A{}, on_conflict: :nothing)":                                                       "",
		"db[:a].insert_conflict(target: :n, update: {m: 1}).insert(n: 1)":                                "warning",
		"db[:a].insert_conflict(target: [:n, :m]).insert(n: 1)":                                          "",
		"db[:a].insert_conflict.insert(n: 1)":                                                            "",
		"ctx.insertInto(A).set(A.N, 1).onDuplicateKeyUpdate().set(A.M, 2).execute()":                     "warning",
		"DB::table('a')->upsert($rows, ['n'], ['m'])":                                                    "warning",
	} {
		checkDroppedKey(t, "store/a.go", "package store\n\nx = "+code+"\n", want)
	}
}

// checkDroppedKey compares the severity of the finding with what is wanted if a release drops the key on column n of table a, beside some code.
func checkDroppedKey(t *testing.T, file, code, want string) {
	t.Helper()
	r := changelog0(t, Config{Dir: repository(t, "-- db/migrations/00001_a.sql --\n-- +goose Up\nCREATE TABLE a (n int, m int, CONSTRAINT a_n UNIQUE (n));\n"+
		"-- "+file+" --\n"+code,
		"-- db/migrations/00002_b.sql --\n-- +goose Up\nSET LOCAL lock_timeout = '2s';\nALTER TABLE a DROP CONSTRAINT a_n;\n"), Base: "main"})
	if got := severityOf(r, "constraint-drop-on-conflict"); got != want {
		t.Errorf("%s: constraint-drop-on-conflict is %q, want %q: %v", code, got, want, found(r))
	}
}

// Ruby has names of its own for a target. A queue's on_conflict is for a job that is there already.
func TestUpsertsInRuby(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"A.upsert_all(rows, unique_by: %i[n])":                                                         "warning",
		"A.upsert_all(rows, unique_by: %i[n m])":                                                       "",
		"A.upsert_all(rows, unique_by: %w[n m])":                                                       "",
		"A.upsert_all(rows, unique_by: [\"n\", \"m\"])":                                                "",
		"A.upsert_all(\n  rows.map { |r| r.slice(:n) },\n  unique_by: %i[n m]\n)":                      "",
		"A.upsert_all(\n  rows.map { |r| r.slice(:n) },\n  unique_by: %i[n]\n)":                        "warning",
		"A.upsert_all(rows)\nB.upsert_all(rows, unique_by: %i[n m])":                                   "warning",
		"A.upsert_all(rows, unique_by: key)":                                                           "warning",
		"A.import(rows, on_duplicate_key_update: { conflict_target: [:n], columns: [:m] })":            "warning",
		"A.import rows,\n  on_duplicate_key_ignore: {\n    conflict_target: %i[n m]\n  }":              "",
		"A.import(rows, on_duplicate_key_update: { conflict_target: %i[n m], columns: %i[x] })":        "",
		"A.import(rows, on_duplicate_key_update: { constraint_name: :a_n, columns: [:m] })":            "warning",
		"A.import(rows, on_duplicate_key_update: { constraint_name: :a_m, columns: [:m] })":            "",
		"A.import(rows, on_duplicate_key_update: [:m])":                                                "",
		"A.import(rows, on_duplicate_key_ignore: true)":                                                "",
		"A.import(rows, on_duplicate_key_update: UPDATES)":                                             "warning",
		"class AJob\n  unique :until_executed, on_conflict: :log\n  def perform(a) = A.count\nend":     "",
		"class AJob\n  sidekiq_options lock: :until_executed, on_conflict: { client: :log }\n  A\nend": "",
	} {
		checkDroppedKey(t, "app/a.rb", code+"\nother = \"INSERT INTO b (n) VALUES (1) ON CONFLICT (n) DO NOTHING\"\n", want)
	}
}

// An index on an expression is what ON CONFLICT with the same expression asks for.
func TestUpsertsOnAnExpression(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ key, Files, want string }{
		{"lower(n)", "`INSERT INTO a (n) VALUES ($1) ON CONFLICT (lower(n)) DO NOTHING`", "error"},
		{"lower(n)", "`INSERT INTO a (n, m) VALUES ($1, $2)\n ON CONFLICT ( Lower( n ), m ) DO UPDATE SET m = 1`", ""},
		{"lower(n)", "`INSERT INTO a (n) VALUES ($1) ON CONFLICT (n) DO NOTHING`", ""},
		{"lower(n)", "`INSERT INTO a (n) VALUES ($1)`", ""},
		{"m, COALESCE(n, ''::text)", "`INSERT INTO a (n) VALUES ($1) ON CONFLICT (m, coalesce(n,\n CAST('' AS text))) DO NOTHING`", "error"},
		{"m, COALESCE(n, ''::text)", "`INSERT INTO a (n) VALUES ($1) ON CONFLICT (m, coalesce(n, 'x'::text)) DO NOTHING`", "warning"}, // may mean the same
		{"m, COALESCE(n, ''::text)", "`INSERT INTO b (n) VALUES ($1) ON CONFLICT (m, coalesce(n, 'x'::text)) DO NOTHING`", ""},
	} {
		r := changelog0(t, Config{Dir: repository(t, "-- db/migrations/00001_a.sql --\n-- +goose Up\nCREATE TABLE a (n text, m int);\n"+
			"CREATE UNIQUE INDEX a_n ON a ("+tt.key+");\n-- store/a.go --\npackage store\n\nx = "+tt.Files+"\n",
			"-- db/migrations/00002_b.sql --\n-- +goose Up\nSET LOCAL lock_timeout = '2s';\nDROP INDEX a_n;\n"), Base: "main"})
		got := severityOf(r, "constraint-drop-on-conflict")
		if got != tt.want {
			t.Errorf("%s: %s: constraint-drop-on-conflict is %q, want %q: %v", tt.key, tt.Files, got, tt.want, found(r))
		}
	}
}

// An index with a condition is found by an ON CONFLICT that has one.
func TestUpsertsOnSomeRows(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ indexes, Files, want string }{
		{"", "`INSERT INTO a (n) VALUES ($1) ON CONFLICT (n) WHERE n > 0 DO NOTHING`", "error"},
		{"", "`INSERT INTO a (n) VALUES ($1) ON CONFLICT (n) DO NOTHING`", ""},
		{"", "`INSERT INTO a (n) VALUES ($1) ON CONFLICT (m) WHERE n > 0 DO NOTHING`", ""},
		{"", "fmt.Sprintf(`INSERT INTO %s (n) VALUES ($1) ON CONFLICT (%s) DO NOTHING`, table, key)", ""},
		{"", "fmt.Sprintf(`INSERT INTO a (n) VALUES ($1) ON CONFLICT (%s) WHERE n > 0 DO NOTHING`, key)", "warning"},
		{"", "knex('a').insert(r).onConflict('n').ignore()", "warning"},
		{"CREATE UNIQUE INDEX a_neg ON a (n) WHERE n < 0;\n", "`INSERT INTO a (n) VALUES ($1) ON CONFLICT (n) WHERE n < 0 DO NOTHING`", "warning"},
	} {
		r := changelog0(t, Config{Dir: repository(t, "-- db/migrations/00001_a.sql --\n-- +goose Up\nCREATE TABLE a (n int, m int);\n"+
			"CREATE UNIQUE INDEX a_n ON a (n) WHERE n > 0;\n"+tt.indexes+"-- store/a.go --\npackage store\n\nx = "+tt.Files+"\n",
			"-- db/migrations/00002_b.sql --\n-- +goose Up\nSET LOCAL lock_timeout = '2s';\nDROP INDEX a_n;\n"), Base: "main"})
		if got := severityOf(r, "constraint-drop-on-conflict"); got != tt.want {
			t.Errorf("%s: constraint-drop-on-conflict is %q, want %q: %v", tt.Files, got, tt.want, found(r))
		}
	}
}

// ON CONFLICT ON CONSTRAINT needs the name: an index on the same columns does not help. The loss of the constraint is
// reported once.
func TestUpsertsOnAName(t *testing.T) {
	t.Parallel()
	const conflict = "`INSERT INTO a (n) VALUES (1) ON CONFLICT ON CONSTRAINT a_n DO NOTHING`"
	for _, tt := range []struct{ sql, Files, want string }{
		{"ALTER TABLE a RENAME CONSTRAINT a_n TO uq", conflict, "error constraint-rename"},
		{"ALTER TABLE a RENAME CONSTRAINT a_n TO uq", "err.Constraint == \"a_n\"", "warning constraint-rename"},
		{"ALTER TABLE a DROP CONSTRAINT a_n", conflict, "error constraint-drop-on-conflict"},
		// nothing created u
		{"ALTER TABLE u RENAME CONSTRAINT u_n TO uq", strings.NewReplacer("INTO a", "INTO u", "a_n", "u_n").Replace(conflict), "error constraint-rename"},
		{"DROP INDEX a_too;\nALTER TABLE a DROP CONSTRAINT a_n, ADD CONSTRAINT uq UNIQUE (n)", conflict, "error constraint-rename"},
	} {
		r := changelog0(t, Config{Dir: repository(t, "-- db/migrations/00001_a.sql --\n-- +goose Up\nCREATE TABLE a (n int, CONSTRAINT a_n UNIQUE (n));\n"+
			"CREATE INDEX a_too ON a (n);\n-- store/a.go --\npackage store\n\nx = "+tt.Files+"\n",
			"-- db/migrations/00002_b.sql --\n-- +goose Up\nSET LOCAL lock_timeout = '2s';\n"+tt.sql+";\n"), Base: "main"})
		var got []string
		for _, f := range r.Findings {
			if f.Category == onward.Compatibility && f.Severity > onward.Info {
				got = append(got, f.Severity.String()+" "+f.Rule)
			}
		}
		if !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%s: %s: %q, not %q", tt.sql, tt.Files, got, tt.want)
		}
	}
}

// A unique constraint is dropped: that matters if there is an ON CONFLICT.
func TestUpserts(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{
		"_, err := db.Exec(`INSERT INTO a (n) VALUES (1) ON CONFLICT (n) DO NOTHING`)": true,
		"db.Clauses(clause.OnConflict{UpdateAll: true}).Create(&a)":                    true,
		"db.Clauses(clause.OnConflict{DoNothing: true}).Create(&a)":                    false, // asks for no index
		"return http.StatusConflict":                                                   false,
	} {
		r := changelog0(t, Config{Dir: repository(t, "-- db/migrations/00001_a.sql --\n-- +goose Up\nCREATE TABLE a (n int, m int);\n"+
			"CREATE UNIQUE INDEX a_n ON a (n);\n-- store/a.go --\npackage store\n\nfunc x() {\n"+code+"\n}\n",
			"-- db/migrations/00002_b.sql --\n-- +goose NO TRANSACTION\n-- +goose Up\nDROP INDEX CONCURRENTLY a_n;\n"), Base: "main"})
		if got := strings.Contains(strings.Join(found(r), "\n"), "constraint-drop-on-conflict"); got != want {
			t.Errorf("%s: constraint-drop-on-conflict found: %v, want %v: %v", code, got, want, found(r))
		}
	}
}

// Which columns a constraint has is not known if no migration creates the table. An ON CONFLICT on another table does not need it.
func TestUpsertsOnATableOfNoMigration(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"INSERT INTO u (a) VALUES (1) ON CONFLICT (a) DO NOTHING":          "error",
		"INSERT INTO u (a, b) VALUES (1, 2) ON CONFLICT (a, b) DO NOTHING": "warning",
		"INSERT INTO u (a) VALUES (1) ON CONFLICT DO NOTHING":              "",
		"INSERT INTO b (n) VALUES (1) ON CONFLICT (n) DO NOTHING":          "",
		"SELECT a FROM u": "",
	} {
		r := changelog0(t, Config{Dir: repository(t, "-- db/migrations/00001_a.sql --\n-- +goose Up\nCREATE TABLE b (n text, m int);\n-- store/a.go --\n"+
			"package store\n\nx = `"+code+"`\n",
			"-- db/migrations/00002_b.sql --\n-- +goose Up\nSET LOCAL lock_timeout = '2s';\nALTER TABLE u DROP CONSTRAINT u_a_key;\n"), Base: "main"})
		if got := severityOf(r, "constraint-drop-on-conflict"); got != want {
			t.Errorf("%s: %q, want %q: %v", code, got, want, found(r))
		}
	}
}

// All places that say ON CONFLICT are reported, be the text of their queries one or not.
func TestUpsertsInSeveralPlaces(t *testing.T) {
	t.Parallel()
	const conflict = "`INSERT INTO a (n) VALUES ($1) ON CONFLICT (n) DO NOTHING`"
	r := changelog0(t, Config{Dir: repository(t, "-- db/migrations/00001_a.sql --\n-- +goose Up\nCREATE TABLE a (n text, m int);\n"+
		"CREATE UNIQUE INDEX a_n ON a (n);\n-- store/a.go --\npackage store\n\nx = "+conflict+"\ny = "+conflict+
		"\n-- store/b.go --\npackage store\n\nx = "+conflict+"\n",
		"-- db/migrations/00002_b.sql --\n-- +goose NO TRANSACTION\n-- +goose Up\nDROP INDEX CONCURRENTLY a_n;\n"), Base: "main"})
	for _, f := range r.Findings {
		if f.Rule != "constraint-drop-on-conflict" {
			continue
		}
		if len(f.Evidence) != 3 || !strings.Contains(f.Harm, "store/a.go:3") || !strings.Contains(f.Harm, "store/b.go:3") {
			t.Errorf("the harm is %q, want store/a.go:3 and store/b.go:3 in it; evidence: %+v", f.Harm, f.Evidence)
		}
		return
	}
	t.Errorf("the findings are %v, want constraint-drop-on-conflict", found(r))
}
