package sequelize_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/sequelize"
)

// TestRuns: what the text of a program does not say is asked of a run of it.
func TestRuns(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	for name, tc := range map[string]struct{ program, want string }{
		"a loop over names of another file": {
			"const { all } = require('../lib/tables')\nmodule.exports = { async up(queryInterface, Sequelize) {\n" +
				"for (const n of all) await queryInterface.addColumn(n, 'x', { type: Sequelize.STRING(20), allowNull: false })\n} }",
			"3 ALTER TABLE \"public\".\"shop_a\" ADD COLUMN \"x\" VARCHAR(20) NOT NULL;\n3 ALTER TABLE \"public\".\"shop_b\" ADD COLUMN \"x\" VARCHAR(20) NOT NULL;",
		},
		"types of the package": {
			"const { DataTypes } = require('sequelize')\nconst type = (n) => DataTypes.STRING(n)\nmodule.exports.up = async (queryInterface) => {\n" +
				"await queryInterface.addColumn('a', 'x', { type: type(2 * 10) })\n}",
			"4 ALTER TABLE \"public\".\"a\" ADD COLUMN \"x\" VARCHAR(20);",
		},
		"the context of umzug": {
			"// queryInterface\nexports.up = async ({ context: q }) => {\nfor (const n of ['a', 'b']) await q.dropTable(n)\n}",
			"3 DROP TABLE IF EXISTS \"a\";\n3 DROP TABLE IF EXISTS \"b\";",
		},
		"a transaction": {
			"exports.up = async (queryInterface) => {\nawait queryInterface.sequelize.transaction(async (transaction) => {\n" +
				"for (const n of ['a', 'b']) await queryInterface.sequelize.query('DROP TABLE ' + n, { transaction })\n" +
				"await queryInterface.sequelize.query('DROP TABLE c')\n})\n}",
			"3 DROP TABLE a block\n3 DROP TABLE b block\n4 DROP TABLE c",
		},
		"a transaction of its own": {
			"exports.up = async (queryInterface) => {\nconst t = await queryInterface.sequelize.transaction()\ntry {\n" +
				"for (const n of ['a']) await queryInterface.removeColumn(n, 'x', { transaction: t })\nawait t.commit()\n} catch (e) { await t.rollback(); throw e }\n}",
			"4 ALTER TABLE \"public\".\"a\" DROP COLUMN \"x\"; block",
		},
		"operators": {
			"exports.up = async (queryInterface, { Op }) => {\nawait queryInterface.addIndex('a', ['b'], { name: 'i', where: { c: { [Op.ne]: null } } })\n" +
				"await queryInterface.addIndex('a', ['b'], { name: 'j', where: { c: { [Op.like]: 'x' } } })\n}",
			"2 CREATE INDEX \"i\" ON \"a\" (\"b\") WHERE \"c\" IS NOT NULL\n" +
				"3 call of queryInterface.addIndex: not all of its arguments are literals",
		},
		"another database": {
			"exports.up = async (queryInterface) => {\nif (queryInterface.sequelize.getDialect() === 'postgres')\n" +
				"for (const n of ['a']) await queryInterface.dropTable(n)\n}",
			"3 DROP TABLE IF EXISTS \"a\";",
		},
		"what depends on rows": {
			"exports.up = async (queryInterface) => {\nconst [rows] = await queryInterface.sequelize.query('SELECT 1')\n" +
				"for (const r of rows) await queryInterface.sequelize.query(`DROP TABLE ${r.n}`)\nfor (const n of ['a']) await queryInterface.dropTable(n)\n}",
			"2 SELECT 1\n4 DROP TABLE IF EXISTS \"a\";\n3 call of queryInterface.sequelize.query: its text is put together when it runs",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := adaptertest.LoadOnly(t, sequelize.Adapter, adaptertest.Files{
				"migrations/20240101000000-a.js": []byte(tc.program),
				"lib/tables.js":                  []byte("exports.all = ['a', 'b'].map((n) => 'shop_' + n)\n"),
			}).Migrations[0]
			if diff := cmp.Diff(tc.want, adaptertest.DescribeProgram(m, tc.program)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
