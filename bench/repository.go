//go:build unix

package main

import (
	"fmt"
	"maps"
	"strings"
)

// The generated repository: files of code, and migrations of each tool, of which the release adds some. It edits one in ten of the
// files of code, which have about 5 kB each.
const (
	codeFiles, migrations, newMigrations = 4000, 500, 10
	editedEvery, functions               = 10, 40
)

// migrationTool writes the migrations of one tool: a file's name and text, in which %[1]d is its number and %[2]s the change. The changes
// come in turn for each table, which is @_%[1]d in them, and release has the release's.
type migrationTool struct {
	file, text       string
	changes, release []string
	extra            map[string]string
}

var (
	sqlChanges = []string{
		"CREATE TABLE @_%[1]d (id bigint PRIMARY KEY, name text NOT NULL, owner_id bigint, created_at timestamptz NOT NULL DEFAULT now());",
		"ALTER TABLE @_%[1]d ADD COLUMN state text NOT NULL DEFAULT 'open';",
		"CREATE INDEX @_%[1]d_owner_idx ON @_%[1]d (owner_id);",
		"ALTER TABLE @_%[1]d ADD CONSTRAINT @_%[1]d_state_check CHECK (state IN ('open', 'closed'));",
		"UPDATE @_%[1]d SET state = 'closed' WHERE owner_id IS NULL;",
	}
	sqlRelease = []string{
		"ALTER TABLE @_%[1]d ADD COLUMN deleted_at timestamptz;", "CREATE INDEX @_%[1]d_name_idx ON @_%[1]d (name);",
		"ALTER TABLE @_%[1]d ALTER COLUMN owner_id SET NOT NULL;", "ALTER TABLE @_%[1]d DROP COLUMN state;",
		"ALTER TABLE @_%[1]d RENAME COLUMN name TO title;", "CREATE VIEW @_%[1]d_view AS SELECT id, name FROM @_%[1]d;",
		"ALTER TABLE @_%[1]d ADD CONSTRAINT @_%[1]d_owner_fkey FOREIGN KEY (owner_id) REFERENCES @_0 (id);",
		"DELETE FROM @_%[1]d WHERE owner_id IS NULL;", "ALTER TABLE @_%[1]d ALTER COLUMN owner_id TYPE text;", "DROP TABLE @_%[1]d;",
	}
)

var migrationTools = map[string]migrationTool{
	"flyway": {file: "flyway/V%[1]d__step.sql", text: "%[2]s\n", changes: sqlChanges, release: sqlRelease},
	"prisma": {
		file: "prisma/migrations/2024%010[1]d_step/migration.sql", text: "-- A step\n%[2]s\n", changes: sqlChanges, release: sqlRelease,
		extra: map[string]string{
			"prisma/schema.prisma":                  "datasource db {\n  provider = \"postgresql\"\n  url      = env(\"DATABASE_URL\")\n}\n",
			"prisma/migrations/migration_lock.toml": "provider = \"postgresql\"\n",
		},
	},
	"rails": {
		file:    "db/migrate/2024%010[1]d_step%04[1]d.rb",
		text:    "class Step%04[1]d < ActiveRecord::Migration[7.1]\n  def change\n    %[2]s\n  end\nend\n",
		changes: railsChanges, release: railsRelease,
	},
	"knex": {
		file: "migrations/2024%010[1]d_step.js", changes: knexChanges, release: knexRelease,
		text: "exports.up = async (knex) => {\n  %[2]s\n};\n\nexports.down = async () => {}; // %[1]d\n",
		extra: map[string]string{
			"package.json": `{"dependencies": {"knex": "3.3.0"}}`, "knexfile.js": "module.exports = {client: 'pg', migrations: {directory: './migrations'}};\n",
		},
	},
	"typeorm": {
		file: "service/src/migrations/%013[1]d-Step%[1]d.ts", changes: sqlChanges, release: sqlRelease,
		text: "export class Step%[1]d%013[1]d {\n  async up(queryRunner) {\n    await queryRunner.query(`%[2]s`);\n  }\n\n  async down() {}\n}\n",
		extra: map[string]string{
			"service/package.json":   `{"dependencies": {"typeorm": "1.1.0"}}`,
			"service/data-source.ts": "new DataSource({type: 'postgres', migrations: ['src/migrations/*.ts'], migrationsTransactionMode: 'each'});\n",
		},
	},
}

var (
	railsChanges = []string{
		"create_table :@_%[1]d do |t|\n      t.string :name, null: false\n      t.bigint :owner_id\n      t.timestamps\n    end",
		"add_column :@_%[1]d, :state, :string, null: false, default: \"open\"", "add_index :@_%[1]d, :owner_id",
		"add_check_constraint :@_%[1]d, \"state IN ('open', 'closed')\", name: \"@_%[1]d_state_check\"",
		"execute \"UPDATE @_%[1]d SET state = 'closed' WHERE owner_id IS NULL\"",
	}
	railsRelease = []string{
		"add_column :@_%[1]d, :deleted_at, :timestamptz", "add_index :@_%[1]d, :name", "change_column_null :@_%[1]d, :owner_id, false",
		"remove_column :@_%[1]d, :state, :string",
	}
	knexChanges = []string{
		"await knex.schema.createTable('@_%[1]d', (t) => {\n    t.bigIncrements('id');\n" +
			"    t.text('name').notNullable();\n    t.bigInteger('owner_id');\n  });",
		"await knex.schema.alterTable('@_%[1]d', (t) => {\n    t.text('state').notNullable().defaultTo('open');\n  });",
		"await knex.schema.alterTable('@_%[1]d', (t) => {\n    t.index(['owner_id'], '@_%[1]d_owner_idx');\n  });",
		"await knex.raw(`ALTER TABLE @_%[1]d ADD CONSTRAINT @_%[1]d_state_check CHECK (state IN ('open', 'closed'))`);",
		"await knex('@_%[1]d').whereNull('owner_id').update({state: 'closed'});",
	}
	knexRelease = []string{
		"await knex.schema.alterTable('@_%[1]d', (t) => {\n    t.timestamp('deleted_at');\n  });",
		"await knex.schema.alterTable('@_%[1]d', (t) => {\n    t.index(['name'], '@_%[1]d_name_idx');\n  });",
		"await knex.schema.alterTable('@_%[1]d', (t) => {\n    t.bigInteger('owner_id').notNullable().alter();\n  });",
		"await knex.schema.alterTable('@_%[1]d', (t) => {\n    t.dropColumn('state');\n  });",
	}
)

// codeLanguages are files of code: %[1]s is a table, and %[2]d the file's number. The rest is there for each function.
var codeLanguages = []struct{ file, text, rest string }{
	{
		"app/part%[1]d/file%[2]d.py",
		"import psycopg\n\n\ndef read_%[2]d(conn, key):\n    return conn.execute(\"SELECT name, state FROM %[1]s WHERE id = %%s\", [key]).fetchone()\n",
		"\n\ndef other%d(value, limit=10):\n    # what is above the limit is cut\n    return min(value + 1, limit) if value else None\n",
	},
	{
		"web/part%[1]d/file%[2]d.ts",
		"import {pool} from '../pool';\n\nexport async function read%[2]d(key: string) {\n" +
			"  return pool.query('SELECT name, owner_id FROM %[1]s WHERE id = $1', [key]);\n}\n",
		"\nexport function other%d(value: number, limit = 10): number | undefined {\n" +
			"  // what is above the limit is cut\n  return value ? Math.min(value + 1, limit) : undefined;\n}\n",
	},
	{
		"lib/part%[1]d/file%[2]d.rb",
		"class Reader%[2]d\n  def read(key)\n    connection.execute(\"UPDATE %[1]s SET state = 'closed' WHERE owner_id = #{key.to_i}\")\n  end\n\n",
		"  # what is above the limit is cut\n  def other%d(value, limit = 10)\n    [value + 1, limit].min if value\n  end\n\n",
	},
	{
		"store/part%[1]d/file%[2]d.go",
		"package store\n\nfunc read%[2]d(db DB, key int) error {\n\treturn db.Exec(`INSERT INTO %[1]s (id, name) VALUES ($1, 'new')`, key)\n}\n",
		"\n// other%[1]d cuts what is above the limit.\nfunc other%[1]d(value, limit int) int {\n\tif value == 0 {\n\t\treturn 0\n\t}\n" +
			"\treturn min(value+1, limit)\n}\n",
	},
}

// generateRepository returns a repository's files and its release's. It has the migrations of the named tools.
func generateRepository(tools ...string) (base, release map[string]string) {
	base, release = map[string]string{}, map[string]string{}
	for _, name := range tools {
		tool := migrationTools[name]
		maps.Copy(base, tool.extra)
		for i := range migrations + newMigrations {
			files, change, table := base, tool.changes[i%len(tool.changes)], i/len(tool.changes)
			if i >= migrations {
				table = i - migrations
				files, change = release, tool.release[table%len(tool.release)]
			}
			change = strings.ReplaceAll(fmt.Sprintf(change, table), "@", name)
			files[fmt.Sprintf(tool.file, i+1)] = fmt.Sprintf(tool.text, i+1, change)
		}
	}
	for i := range codeFiles {
		language := codeLanguages[i%len(codeLanguages)]
		var text strings.Builder
		fmt.Fprintf(&text, language.text, fmt.Sprintf("%s_%d", tools[i%len(tools)], i%(migrations/5)), i)
		for n := range functions {
			fmt.Fprintf(&text, language.rest, n)
		}
		name := fmt.Sprintf(language.file, i%50, i)
		base[name] = text.String()
		if i%editedEvery == 0 {
			release[name] = text.String() + fmt.Sprintf(language.rest, functions)
		}
	}
	return base, release
}
