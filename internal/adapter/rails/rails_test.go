package rails_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/rails"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/onward"
)

// readChange reads the body of a method "change" of a version, and returns its statements and what is not read, in lines.
func readChange(t *testing.T, version, body string, more adaptertest.Files) string {
	t.Helper()
	files := adaptertest.Files{"db/migrate/20240101000000_a.rb": []byte(
		"class A < ActiveRecord::Migration[" + version + "]\n  def change\n" + body + "\n  end\nend\n")}
	for name, text := range more {
		files[name] = text
	}
	set, err := rails.Adapter{}.Load(t.Context(), files, adapter.Source{Framework: "rails", Dir: "db/migrate"})
	if err != nil || len(set.Migrations) != 1 {
		t.Fatalf("load %q: %v; it reads %+v, want one migration", body, err, set)
	}
	m := set.Migrations[0]
	var out []string
	for _, p := range m.Source.Parts {
		s := strings.Join(strings.Fields(p.SQL), " ")
		if p.Loop {
			s += " (loop)"
		} else if p.Conditional {
			s += " (maybe)"
		}
		if len(p.Needs) > 0 {
			s += " needs " + strings.Join(p.Needs, ", ")
		}
		out = append(out, s)
	}
	for _, o := range m.Opaque {
		out = append(out, "? "+o.What)
	}
	return strings.Join(out, "\n")
}

// TestPostDeployment: what is in db/post_migrate runs after the deploy.
func TestPostDeployment(t *testing.T) {
	t.Parallel()
	files := adaptertest.Files{}
	for _, dir := range []string{"db/migrate", "db/post_migrate"} {
		files[dir+"/20240101000000_a.rb"] = []byte("class A < ActiveRecord::Migration[7.1]\n  def change\n    remove_column :a, :b, :text\n  end\nend\n")
		set, err := rails.Adapter{}.Load(t.Context(), files, adapter.Source{Framework: "rails", Dir: dir})
		if err != nil || len(set.Migrations) != 1 {
			t.Fatalf("load %s: %v; it reads %+v, want one migration", dir, err, set)
		}
		if m := set.Migrations[0]; m.Runner.AfterDeploy != (dir == "db/post_migrate") {
			t.Errorf("%s: after the deploy is %t", dir, m.Runner.AfterDeploy)
		}
	}
}

// TestNewerVersions: what Active Record 7 and 8 do otherwise than 6.1, which the real one cannot show here.
func TestNewerVersions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, version, body, want string }{
		{"a precise time", "7.0", "add_column :a, :b, :datetime", `ALTER TABLE "a" ADD "b" timestamp(6)`},
		{"an imprecise time", "7.1", "add_column :a, :b, :datetime, precision: nil", `ALTER TABLE "a" ADD "b" timestamp`},
		{"an old time", "6.1", "add_column :a, :b, :datetime", `ALTER TABLE "a" ADD "b" timestamp`},
		{
			"a short name", "7.1", "add_index :a_table_with_a_long_name, [:first_long_column, :second_long_column]",
			`CREATE INDEX "idx_on_first_long_column_second_long_column_fd72106258" ON "a_table_with_a_long_name" ("first_long_column", "second_long_column")`,
		},
		{
			"a long name", "7.0", "add_index :a_table_with_a_long_name, [:first_long_column, :second_long_column]",
			`CREATE INDEX "index_a_table_with_a_long_name_on_first_long_column_and_second_long_column" ON "a_table_with_a_long_name" ` +
				`("first_long_column", "second_long_column")`,
		},
		{"several tables", "8.0", "drop_table :a, :b", `DROP TABLE "a", "b"`},
		{"include", "7.1", "add_index :a, :b, include: :c", `CREATE INDEX "index_a_on_b" ON "a" ("b") INCLUDE ("c")`},
		{
			"nulls", "7.1", "add_index :a, :b, unique: true, nulls_not_distinct: true",
			`CREATE UNIQUE INDEX "index_a_on_b" ON "a" ("b") NULLS NOT DISTINCT`,
		},
		{"a unique constraint", "7.1", "add_unique_constraint :a, using_index: 'x', name: 'y'", `ALTER TABLE "a" ADD CONSTRAINT "y" UNIQUE USING INDEX "x"`},
		{
			"a deferred key", "7.1", "add_foreign_key :as, :bs, deferrable: :deferred",
			`ALTER TABLE "as" ADD CONSTRAINT "fk_rails_8059481c21" FOREIGN KEY ("b_id") REFERENCES "bs" ("id") DEFERRABLE INITIALLY DEFERRED`,
		},
		{"columns", "7.0", "remove_columns :a, :b, :c", `ALTER TABLE "a" DROP COLUMN "b", DROP COLUMN "c"`},
		{"a value", "7.1", "add_enum_value :mood, 'sad', before: 'mad'", `ALTER TYPE "mood" ADD VALUE 'sad' BEFORE 'mad'`},
		{
			"an enum", "7.0", "create_table(:a, id: false) { |t| t.enum :b, enum_type: :mood, default: 'sad', null: false }",
			`CREATE TABLE "a" ("b" mood DEFAULT 'sad' NOT NULL)`,
		},
		{
			"a generated column", "7.0", "add_column :a, :b, :virtual, type: :string, as: \"lower(c)\", stored: true",
			`ALTER TABLE "a" ADD "b" character varying GENERATED ALWAYS AS (lower(c)) STORED`,
		},
		{"an extension", "7.1", "disable_extension 'a'", `DROP EXTENSION IF EXISTS "a"`},
		{"an index in a schema", "7.1", "add_index 's.a', :b", `CREATE INDEX "index_a_on_b" ON "s"."a" ("b")`},
	} {
		if got := readChange(t, tc.version, tc.body, nil); got != tc.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tc.name, got, tc.want)
		}
	}
	older := adaptertest.Files{"Gemfile.lock": []byte("GEM\n  specs:\n    activerecord (7.0.8)\n")}
	if got := readChange(t, "7.0", "add_index 's.a', :b", older); got != `CREATE INDEX "index_s.a_on_b" ON "s"."a" ("b")` {
		t.Errorf("add_index of Active Record 7.0: %s, want the schema in the index's name", got)
	}
	got := readChange(t, "7.1", "add_column :a, :b, :datetime", adaptertest.Files{
		"config/application.rb": []byte("ActiveSupport.on_load(:active_record_postgresqladapter) { self.datetime_type = :timestamptz }\n"),
	})
	if got != `ALTER TABLE "a" ADD "b" timestamptz(6)` {
		t.Errorf("a datetime with datetime_type :timestamptz: %s, want timestamptz(6)", got)
	}
}

// TestUnread: what is not constant is listed, and conditions are known to be conditions.
func TestUnread(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, body, want string }{
		{"a name", "add_column :a, name, :text", "? call of add_column"},
		{"a column's name", "create_table(:a) { |t| t.text column }", `CREATE TABLE "a" ("id" bigserial primary key)` + "\n? call of create_table"},
		{
			"a condition in a table", "create_table(:a) { |t| t.text(:b) if ENV['B'] }",
			`CREATE TABLE "a" ("id" bigserial primary key, "b" text)` + "\n? call of create_table",
		},
		{"a method from elsewhere", "add_things :a", "? call of add_things"},
		{"its block", "without_locks { add_column :a, :b, :text }", `ALTER TABLE "a" ADD "b" text (loop)` + "\n? call of without_locks"},
		{"a model", "User.find_each { |u| u.save! }", "? call of User.find_each"},
		{"a model of the project", "User.where(a: nil).update_all(b: 1)", "? call of User.where.update_all"},
		{"a question", "puts User.count", ""},
		{"a class", "User.reset_column_information", ""},
		{"a loop", "User.ids.each { |id| execute \"DELETE FROM a\" }", "DELETE FROM a (loop)"},
		{"a table", "drop_table :a if table_exists?(:a)", `DROP TABLE "a" (maybe) needs "a"`},
		{"no table", "return unless table_exists?(:a)\ndrop_table :a", `DROP TABLE "a" (maybe) needs "a"`},
		{"tests", "drop_table :a if Rails.env.test?", ""},
		{"production", "drop_table :a if Rails.env.production?", `DROP TABLE "a"`},
		{"an unknown index", "remove_index :a, :b", `DROP INDEX "index_a_on_b" (maybe)`},
		{"a known index", "add_index :a, :b, name: 'x'\nremove_index :a, :b", `CREATE INDEX "x" ON "a" ("b")` + "\n" + `DROP INDEX "x"`},
		{"rows of a loop", "User.all.each { |u| u.save }", "? call of u.save"},
		{"a view", "create_view :a, version: 2\nupdate_view :a, version: 3", "? call of create_view\n? call of update_view"},
		{"the way back", "reversible { |dir| dir.down { execute 'way_down' } }", ""},
		{"another migration", "revert { add_column :a, :b, :text }", "? call of revert"},
		{"a variable", "kind = :text\nadd_column :a, :b, kind", `ALTER TABLE "a" ADD "b" text`},
		{"a variable that may differ", "kind = :text\nkind = :json if ENV['X']\nadd_column :a, :b, kind", "? call of add_column"},
	} {
		if got := readChange(t, "7.1", tc.body, nil); got != tc.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tc.name, got, tc.want)
		}
	}
	views := adaptertest.Files{"db/views/a_v02.sql": []byte("SELECT 1;\n"), "db/views/a_v03.sql": []byte("SELECT 2\n")}
	if got := readChange(t, "7.1", "create_view :a, version: 2\nreplace_view :a, version: 3\nupdate_view :a, version: 3", views); got !=
		"CREATE VIEW \"a\" AS SELECT 1\nCREATE OR REPLACE VIEW \"a\" AS SELECT 2\nDROP VIEW \"a\"\nCREATE VIEW \"a\" AS SELECT 2" {
		t.Errorf("create, replace and update of a view:\n%s\nwant its versions 2, 3 and, after a DROP, 3", got)
	}
	plain := adaptertest.Files{"app/models/user.rb": []byte("class User < ApplicationRecord\n  has_many :posts\nend\n")}
	if got := readChange(t, "7.1", "User.where(a: nil).update_all(b: 1)", plain); got != `UPDATE "users" SET "b" = 1 WHERE "users"."a" IS NULL` {
		t.Errorf("update_all of a model without a scope: %s, want an UPDATE", got)
	}
	scoped := adaptertest.Files{"app/models/user.rb": []byte("class User < ApplicationRecord\n  default_scope { where(a: 1) }\nend\n")}
	if got := readChange(t, "7.1", "User.where(a: nil).update_all(b: 1)", scoped); got != "? call of User.where.update_all" {
		t.Errorf("update_all of a model with a default scope: %s, want it unread", got)
	}
}

// TestSQLBeside: an SQL file next to a migration is its SQL, and one without a migration is listed.
func TestSQLBeside(t *testing.T) {
	t.Parallel()
	files := adaptertest.Files{
		"db/migrate/1_a.rb":  []byte("class A < ActiveRecord::Migration[7.1]\n  disable_ddl_transaction!\n  def up\n    Legacy.call\n  end\nend\n"),
		"db/migrate/1_a.sql": []byte("ALTER TABLE a ADD COLUMN b text;\n"),
		"db/migrate/2_b.sql": []byte("SELECT 1;\n"),
		"db/migrate/02_c.rb": []byte("class C < ActiveRecord::Migration[7.1]\n  def up\n  end\nend\n"),
		"db/migrate/2_d.rb":  []byte("class D < ActiveRecord::Migration[7.1]\n  def up\n  end\nend\n"),
	}
	set, err := rails.Adapter{}.Load(t.Context(), files, adapter.Source{Framework: "rails", Dir: "db/migrate"})
	if err != nil || len(set.Migrations) != 3 || len(set.Opaque) != 1 || set.Opaque[0].Path != "db/migrate/2_b.sql" {
		t.Fatalf("load: %v; it reads %+v, want three migrations and 2_b.sql as opaque", err, set)
	}
	m := set.Migrations[0]
	if m.Path != "db/migrate/1_a.sql" || len(m.Source.Parts) != 1 || m.Source.Mode != onward.TransactionNone || len(m.Opaque) > 0 {
		t.Errorf("1_a reads as %+v, want the one statement of 1_a.sql outside a transaction", m)
	}
	if len(set.History) != 1 || set.History[0].Kind != history.Duplicate {
		t.Errorf("history %+v, want one duplicate", set.History)
	}
}

// TestEngineMigrations: a migration that an engine brought has the engine's name before its extension.
func TestEngineMigrations(t *testing.T) {
	t.Parallel()
	text := []byte("class A < ActiveRecord::Migration[7.1]\n  def change\n    drop_table :a\n  end\nend\n")
	files := adaptertest.Files{"db/migrate/1_a.active_storage.rb": text, "db/migrate/2_b.two.names.rb": text, "db/migrate/3-c.rb": text}
	source := rails.Adapter{}.Detect(files)
	if len(source) != 1 {
		t.Fatalf("Detect finds %+v, want one source", source)
	}
	set, err := rails.Adapter{}.Load(t.Context(), files, source[0])
	if err != nil || len(set.Migrations) != 1 || set.Migrations[0].Path != "db/migrate/1_a.active_storage.rb" || len(set.Migrations[0].Source.Parts) != 1 {
		t.Errorf("load: %v; migrations %+v, want only 1_a.active_storage.rb", err, set.Migrations)
	}
}

// TestSnapshot: the dump of the schema replaces the migrations that it includes.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	migration := func(name string) []byte {
		return []byte("class " + name + " < ActiveRecord::Migration[7.1]\n  def change\n    add_column :a, :" + strings.ToLower(name) + ", :text\n  end\nend\n")
	}
	for name, tc := range map[string]struct{ file, text, want string }{
		"schema.rb": {
			"db/schema.rb",
			"ActiveRecord::Schema[7.1].define(version: 2024_01_02_000000) do\n  create_table \"a\", force: :cascade do |t|\n    t.datetime \"x\", precision: nil\n" +
				"    t.index [\"x\"], name: \"by_x\"\n  end\nend\n",
			`db/schema.rb: CREATE TABLE "a" ("id" bigserial primary key, "x" timestamp); CREATE INDEX "by_x" ON "a" ("x") | ` +
				`20240103000000_c: ALTER TABLE "a" ADD "c" text`,
		},
		"structure.sql": {
			"db/structure.sql",
			"CREATE TABLE a (x int);\nINSERT INTO \"schema_migrations\" (version) VALUES\n('20240103000000'),\n('20240101000000');\n",
			"db/structure.sql: CREATE TABLE a (x int); INSERT INTO \"schema_migrations\" (version) VALUES ('20240103000000'), ('20240101000000'); | " +
				`20240102000000_b: ALTER TABLE "a" ADD "b" text`,
		},
		"a dump that is not read": {
			"db/schema.rb", "# nothing\n",
			`20240101000000_a: ALTER TABLE "a" ADD "a" text | 20240102000000_b: ALTER TABLE "a" ADD "b" text | 20240103000000_c: ALTER TABLE "a" ADD "c" text`,
		},
	} {
		files := adaptertest.Files{
			"db/migrate/20240101000000_a.rb": migration("A"), "db/migrate/20240102000000_b.rb": migration("B"), "db/migrate/20240103000000_c.rb": migration("C"),
			tc.file: []byte(tc.text),
		}
		set, err := rails.Adapter{}.Load(t.Context(), files, adapter.Source{Framework: "rails", Dir: "db/migrate"})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range set.SchemaMigrations() {
			var sql []string
			for _, p := range m.Source.Parts {
				sql = append(sql, strings.Join(strings.Fields(p.SQL), " "))
			}
			got = append(got, m.ID+": "+strings.Join(sql, "; "))
		}
		if s := strings.Join(got, " | "); s != tc.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, s, tc.want)
		}
	}
}

// A program that exceeds a bound of the reader has failed: nobody knows the rest of it. An unknown call has not failed.
func TestBoundsFail(t *testing.T) {
	t.Parallel()
	doubles := "a = 'SELECT 1;'\n" + strings.Repeat("a = \"#{a}#{a}\"\n", 30) + "execute a"
	for body, failed := range map[string]bool{
		"500_000.times { |i| execute \"SELECT #{i}\" }": true,
		doubles:                     true,
		"Member.find_each(&:save!)": false,
	} {
		m := adaptertest.LoadOnly(t, rails.Adapter{}, adaptertest.Text(map[string]string{
			"Gemfile":                                "gem 'rails'\ngem 'pg'\n",
			"db/migrate/20240101000000_drop_nick.rb": adaptertest.RailsMigration("DropNick", body, "remove_column :members, :nick"),
		})).Migrations[0]
		if got := slices.ContainsFunc(m.Opaque, func(o onward.Opaque) bool { return o.Failed }); got != failed || len(m.Opaque) == 0 {
			t.Errorf("%.60s: failed is %t: %+v", body, got, m.Opaque)
		}
	}
}
