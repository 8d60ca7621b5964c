package lsp

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/audit"
)

func TestMain(m *testing.M) {
	audit.RunChild()
	os.Exit(m.Run())
}

// Migrations that are programs, each after one that creates the table.
const (
	knexBase = "-- knexfile.js --\nmodule.exports = { client: 'pg' }\n-- migrations/20240101000000_a.js --\n" +
		"exports.up = (knex) => knex.schema.createTable('t', (t) => { t.bigInteger('id').primary(); t.text('v') })\nexports.down = () => {}\n"
	knexFile  = "migrations/20240102000000_b.js"
	railsBase = "-- db/migrate/1_a.rb --\nclass A < ActiveRecord::Migration[7.1]\n  def change\n    create_table(:t) { |t| t.text :v }\n  end\nend\n"
	railsFile = "db/migrate/2_b.rb"
	yoyoBase  = "-- m/1_a.py --\nfrom yoyo import step\nsteps = [step('CREATE TABLE t (id bigint PRIMARY KEY, v text)')]\n"
	yoyoFile  = "m/2_b.py"
)

// suppress returns the edit that suppresses a rule's finding in a document, applied to its text.
func (s *session) suppress(path, text, rule string) string {
	s.t.Helper()
	var p codeActionParams
	p.TextDocument.URI, p.Range.End.Line = s.uri(path), 99
	var actions []codeAction
	if err := s.rpc.CallResult(s.t.Context(), "textDocument/codeAction", p, &actions); err != nil {
		s.t.Fatal(err)
	}
	for _, a := range actions {
		if a.Title == "onward: ignore "+rule+" here" {
			edit, lines := a.Edit.Changes[s.uri(path)][0], strings.SplitAfter(text, "\n")
			return strings.Join(lines[:edit.Range.Start.Line], "") + edit.NewText + strings.Join(lines[edit.Range.End.Line:], "")
		}
	}
	s.t.Fatalf("%s: no action suppresses %s: %+v", path, rule, actions)
	return ""
}

// A migration that is a program is judged while it is typed. The comment that suppresses a finding has the form of its language, and
// works.
func TestPrograms(t *testing.T) {
	t.Parallel()
	const rule = "index-create-blocking"
	for _, c := range []struct {
		name, base, file string
		text, place      string // the migration, and the range of its finding
		suppressed       string // the lines above the finding after the code action
	}{
		{
			"Knex", knexBase, knexFile,
			"exports.up = (knex) => knex.schema.table('t', (t) => {\n  t.index('v')\n})\nexports.down = () => {}\n", "[1,2,1,14]",
			"\n  // onward:ignore " + rule + ": why it is safe here\n  t.index(",
		},
		{
			"Knex, SQL", knexBase, knexFile,
			"exports.up = (knex) => {\n  return knex.raw(`\n    CREATE INDEX i ON t (v)\n  `)\n}\nexports.down = () => {}\n", "[2,4,2,27]",
			"\n  // onward:ignore " + rule + ": why it is safe here\n  return knex.raw(",
		},
		{
			"Knex, second statement", knexBase, knexFile,
			"exports.up = (knex) => {\n  return knex.raw(`\n    SELECT 1;\n    CREATE INDEX i ON t (v)\n  `)\n}\nexports.down = () => {}\n", "[3,4,3,27]",
			"\n    -- onward:ignore " + rule + ": why it is safe here\n    CREATE INDEX",
		},
		{
			"Rails", railsBase, railsFile,
			"class B < ActiveRecord::Migration[7.1]\n  def change\n    add_index :t, :v\n  end\nend\n", "[2,4,2,20]",
			"\n    # onward:ignore " + rule + ": why it is safe here\n    add_index",
		},
		{
			"yoyo", yoyoBase, yoyoFile,
			"from yoyo import step\nsteps = [\n  step('CREATE INDEX i ON t (v)'),\n]\n", "[2,8,2,31]",
			"\n  # onward:ignore " + rule + ": why it is safe here\n  step(",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := edits(t, "{}", c.base, "-- "+c.file+" --\n"+c.text)
			s.open(c.file, c.text)
			got := codes(s.diagnostics(c.file, 1))
			if !strings.Contains(got, "error "+rule+" "+c.place) {
				t.Errorf("the findings are %q, want one of %s at %s", got, rule, c.place)
			}
			lenses := s.lenses(c.file)
			if !slices.ContainsFunc(lenses, func(l codeLens) bool { return l.Command.Title == "what this locks: t, ShareLock, blocks writes" }) {
				t.Errorf("the lenses are %+v, want one for the index", lenses)
			}
			next := s.suppress(c.file, c.text, rule)
			if !strings.Contains(next, c.suppressed) {
				t.Errorf("with the comment the file is\n%s\nwant in it\n%s", next, c.suppressed)
			}
			s.change(c.file, 2, whole(next))
			if got := codes(s.diagnostics(c.file, 2)); strings.Contains(got, rule) || strings.Contains(got, "suppression") {
				t.Errorf("with the comment the findings are %q, want none of %s:\n%s", got, rule, next)
			}
		})
	}
}

// A hover over a call of a program shows what the statement locks that it sends.
func TestHoverInProgram(t *testing.T) {
	t.Parallel()
	const text = "exports.up = (knex) => knex.schema.table('t', (t) => {\n  t.index('v')\n})\nexports.down = () => {}\n"
	s := edits(t, "{}", knexBase, "-- "+knexFile+" --\n"+text)
	s.open(knexFile, text)
	s.diagnostics(knexFile, 1)
	var p placeParams
	p.TextDocument.URI, p.Position = s.uri(knexFile), position{Line: 1, Character: 6}
	var got hover
	if err := s.rpc.CallResult(t.Context(), "textDocument/hover", p, &got); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got.Contents.Value, "ShareLock") {
		t.Errorf("the hover is %q, want the lock of the index", got.Contents.Value)
	}
}

// A module that is no migration has no findings, and its changes do not judge the release again. Nor do changes of a
// migration of Django: its project would have to run.
func TestModulesAreNotJudged(t *testing.T) {
	t.Parallel()
	s := edits(t, "{}", knexBase, "-- "+knexFile+" --\nexports.up = () => {}\nexports.down = () => {}\n"+
		"-- app.js --\n// none\n-- shop/manage.py --\n# none\n-- shop/app/migrations/0001_initial.py --\n# none\n")
	s.open(knexFile, "exports.up = () => {}\nexports.down = () => {}\n")
	s.diagnostics(knexFile, 1)
	for _, file := range []string{"app.js", "shop/app/migrations/0001_initial.py"} {
		s.open(file, "knex.raw('DROP TABLE t')\n")
		s.change(file, 2, whole("knex.raw('DROP TABLE u')\n"))
		s.notify("textDocument/didSave", documentParams{TextDocument: document{URI: s.uri(file)}})
	}
	s.change(knexFile, 2, whole("exports.up = (knex) => knex.schema.dropTable('t')\nexports.down = () => {}\n"))
	if got := codes(s.diagnostics(knexFile, 2)); !strings.Contains(got, "table-drop") {
		t.Errorf("the findings of the migration are %q, want table-drop", got)
	}
	for end := time.Now().Add(patience); s.judged.Load() < 2 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if n := s.judged.Load(); n != 2 || len(s.shown) != 0 {
		t.Errorf("the release was judged %d times, want 2, and %d more documents have findings, want none", n, len(s.shown))
	}
}
