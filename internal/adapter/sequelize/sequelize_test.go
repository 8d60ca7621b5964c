package sequelize_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/sequelize"
)

// TestForeign: the dialect decides on the database, unless another setting has Postgres.
func TestForeign(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		`{"dialect": "mysql"}`:                           "MySQL",
		`{"dialect": "sqlite"} // {dialect: "postgres"}`: "",
		`{}`: "",
	} {
		tree := adaptertest.Files{
			"config/config.json":               []byte(setting),
			"migrations/20240101000000-a.js":   []byte("module.exports = { up: (queryInterface) => queryInterface.dropTable('a') }"),
			"migrations/20240101000000-b.d.ts": []byte("export function up(queryInterface): void"),
		}
		sources := sequelize.Adapter.Detect(tree)
		if len(sources) != 1 || sources[0].Foreign != want {
			t.Errorf("%s: %+v, want %q", setting, sources, want)
		}
	}
}

// describeCall returns the statements of a call, or why it is not judged.
func describeCall(t *testing.T, call string) string {
	t.Helper()
	m := adaptertest.LoadOnly(t, sequelize.Adapter, adaptertest.Files{
		"migrations/20240101000000-a.js": []byte("const { name, columns, kind, x, values, C, options, Op, rows, a } = require('shop')\n" +
			"exports.up = async (queryInterface, Sequelize) => {\n  await " + call + "\n}\n"),
	}).Migrations[0]
	var out []string
	for _, p := range m.Source.Parts {
		out = append(out, p.SQL)
	}
	for _, o := range m.Opaque {
		out = append(out, fmt.Sprintf("not judged: %d %s", o.Line, o.Why))
	}
	return strings.Join(out, " | ")
}

// TestUnreadCalls: a call that is not all literals, or whose text depends on more, sends nothing that is known.
func TestUnreadCalls(t *testing.T) {
	t.Parallel()
	for _, call := range []string{
		"queryInterface.createTable(name, { id: Sequelize.INTEGER })",
		"queryInterface.createTable('a', { id: Sequelize.INTEGER, ...columns })",
		"queryInterface.createTable('a', { id: { type: kind } })",
		"queryInterface.createTable('a', { id: { type: Sequelize.INTEGER, allowNull: x } })",
		"queryInterface.createTable('a', { id: { type: Sequelize.DATE, defaultValue: new Date() } })",
		"queryInterface.createTable('a', { id: Sequelize.STRING(x) })",
		"queryInterface.createTable('a', { id: Sequelize.ENUM(...values) })",
		"queryInterface.createTable('a', { id: Sequelize.INTEGER }, { schema: 's' })",
		"queryInterface.addColumn('a.b', 'c', Sequelize.INTEGER)",
		"queryInterface.addColumn('a', 'b', { type: Sequelize.INTEGER, references: { model: C } })",
		"queryInterface.addColumn('a', 'b', Sequelize.INTEGER, options)",
		"queryInterface.addIndex('a', columns)",
		"queryInterface.addIndex('a', ['b'], { where: { c: { [Op.ne]: null } } })",
		"queryInterface.addIndex('a', ['b'], { where: { c: { eq: 1 } } })",
		"queryInterface.addConstraint('a', { fields: ['b'], type: 'default', defaultValue: 1 })",
		"queryInterface.bulkInsert('a', rows)",
		"queryInterface.bulkInsert('a', [{ b: new Date() }])",
		"queryInterface.bulkUpdate('a', { b: 1 }, { c: Sequelize.literal('2') })",
		"queryInterface.bulkDelete('a', { b: 1 }, { truncate: true })",
		"queryInterface.sequelize.query('SELECT :a', { replacements: { a: 1 } })",
		"queryInterface.sequelize.query(`SELECT ${a}`)",
		"queryInterface.sequelize.query('SELECT 1', options)",
		"queryInterface.dropAllTables()",
		"queryInterface.createFunction('a', [], 'integer', 'plpgsql', 'RETURN 1;')",
	} {
		if got := describeCall(t, call); !strings.HasPrefix(got, "not judged: 3") {
			t.Errorf("%s reads as %q, want it not judged", call, got)
		}
	}
	for _, call := range []string{
		"queryInterface.describeTable('a')", "queryInterface.sequelize.QueryTypes.SELECT", "queryInterface.showAllTables()",
	} {
		if got := describeCall(t, call); got != "" {
			t.Errorf("%s reads as %q, want nothing, because it only reads", call, got)
		}
	}
}

// TestConditions: only the value of an equality is a parameter.
func TestConditions(t *testing.T) {
	t.Parallel()
	for call, want := range map[string]string{
		"queryInterface.bulkUpdate('a', { b: 1 }, { c: [1, 'x'], d: 5 })":                    `UPDATE "a" SET "b"='1' WHERE "c" IN (1, 'x') AND "d" = '5'`,
		"queryInterface.bulkDelete('a', { c: ['x'], d: null })":                              `DELETE FROM "a" WHERE "c" IN ('x') AND "d" IS NULL`,
		"queryInterface.bulkUpdate('a', { b: true }, { c: Sequelize.fn('lower', 'X') })":     `UPDATE "a" SET "b"='true' WHERE "c" = lower('X')`,
		"queryInterface.addIndex('a', ['b'], { name: 'i', where: { c: ['x', 'y'], d: 1 } })": `CREATE INDEX "i" ON "a" ("b") WHERE "c" IN ('x', 'y') AND "d" = 1`,
	} {
		if got := describeCall(t, call); got != want {
			t.Errorf("%s:\n%s, want\n%s", call, got, want)
		}
	}
}
