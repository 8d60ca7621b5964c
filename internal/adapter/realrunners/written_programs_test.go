package realrunners

import (
	"errors"
	"fmt"
	"testing"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/onward"
)

// runByNode returns how a tool whose migrations are programs runs a directory: by a script of testdata.
func runByNode(part, script string) func(t *testing.T) func(dir, url string) error {
	return func(t *testing.T) func(dir, url string) error {
		t.Helper()
		run := atOnce(t, func(url string) string { return url }, "node", "testdata/"+script, installed(t, part))
		return func(dir, url string) error {
			if failed := run([][2]string{{dir, url}})[0]; failed != "" {
				return errors.New(failed)
			}
			return nil
		}
	}
}

var (
	upKnex, upTypeORM     = runByNode("knex", "knex.cjs"), runByNode("typeorm", "typeorm.cjs")
	upSequelize, upKysely = runByNode("sequelize", "sequelize.cjs"), runByNode("kysely", "kysely.cjs")
	upMikroORM            = runByNode("mikro-orm", "mikroorm.cjs")
)

// The texts of migrations, with %s for the SQL.
const (
	knexText      = "// Knex\nexports.up = async function (knex) {\n  await knex.raw(`%s`)\n}\n\nexports.down = async function () {}\n"
	sequelizeText = "module.exports = {\n  async up(queryInterface) {\n" +
		"    await queryInterface.sequelize.query(`%s`)\n  },\n  async down(queryInterface) {},\n}\n"
	kyselyText = "const { sql } = require('kysely')\nexports.up = async (db) => {\n  await sql`%s`.execute(db)\n}\n"
	mikroText  = "const { Migration } = require('@mikro-orm/migrations')\n" +
		"exports.M = class M extends Migration {\n  async up() {\n    this.addSql(`%s`)\n  }\n}\n"
	typeormText = "exports.X = class X%n {\n  name = 'X%n'\n\n  async up(queryRunner) {\n    await queryRunner.query(`%s`)\n  }\n  async down() {}\n}\n"
)

// TestWrittenProgramsRun lets the tools whose migrations are programs run a written plan to its end, with the settings about transactions.
func TestWrittenProgramsRun(t *testing.T) {
	t.Parallel()
	const dir = "src/migrations"
	type namedLayout struct {
		name string
		layout
	}
	typeormWith := func(mode string) layout {
		return layout{
			dir, "1700000000001-Base.js", "1700000000002-Next.js", typeormText,
			map[string]string{"src/data-source.json": `{"migrationsTransactionMode": "` + mode + `"}`}, upTypeORM,
		}
	}
	knexWith := func(settings string) layout {
		return layout{dir, "20240101000000_a.js", "20240102000000_b.js", knexText, map[string]string{
			"src/knexfile.json": `{"migrations": {` + settings + `}}`,
		}, upKnex}
	}
	mikroWith := func(settings string) layout {
		return layout{
			dir, "Migration20240101000000.js", "Migration20240102000000.js", mikroText,
			map[string]string{"src/mikro-orm.json": `{"migrations": {` + settings + `}}`}, upMikroORM,
		}
	}
	cases := []namedLayout{
		{"Knex", knexWith("")},
		{"TypeORM, all", typeormWith("all")},
		{"Sequelize", layout{dir, "20240101000000-a.js", "20240102000000-b.js", sequelizeText, nil, upSequelize}},
		{"Knex without transactions", knexWith(`"disableTransactions": true`)},
		{"TypeORM, each", typeormWith("each")},
		{"MikroORM", mikroWith(`"allOrNothing": false`)},
		{"TypeORM, none", typeormWith("none")},
		{"MikroORM without transactions", mikroWith(`"transactional": false`)},
	}
	for _, major := range rotation.PickAfter(t, 4*component.Turns, 2, []int{onward.OldestMajor, onward.NewestMajor}) {
		for _, c := range rotation.PickAfter(t, component.Turns, 4, cases) {
			t.Run(fmt.Sprintf("%s on %d", c.name, major), func(t *testing.T) {
				t.Parallel()
				c.runWritten(t, pgservertest.Server(t, major))
			})
		}
	}
}
