package realrunners

import (
	"testing"

	"github.com/onward-sql/onward/internal/adapter/sequelize"
)

// TestSequelizeSchema compares the statements of the query interface with those that Sequelize sends.
//
// Not parallel: it reads the end of the server's log.
func TestSequelizeSchema(t *testing.T) {
	packages := installed(t, "sequelize")
	compareSent(t, sequelize.Adapter, "sequelize_schema.js", "src/migrations/20240101000000-schema.js",
		atOnce(t, func(url string) string { return url }, "node", "testdata/sequelize.cjs", packages))
}

// TestSequelizeOnServer compares onward's findings with what Sequelize does.
func TestSequelizeOnServer(t *testing.T) {
	t.Parallel()
	packages := installed(t, "sequelize")
	migration := func(body string) string {
		return "module.exports = {\n  async up(queryInterface, Sequelize) {\n    " + body + "\n  },\n  async down(queryInterface) {},\n}\n"
	}
	query := func(sql, options string) string {
		return "await queryInterface.sequelize.query(`" + sql + "`" + options + ")"
	}
	const first, second, third = "src/migrations/20240101-a.js", "src/migrations/20240102-b.js", "src/migrations/20240103-c.js"
	const index = "CREATE INDEX CONCURRENTLY ON t (id)"
	base := map[string]string{first: migration(query("CREATE TYPE e AS ENUM ('x'); CREATE TABLE a (e e)", ""))}
	release := func(body string) map[string]string { return map[string]string{second: migration(body)} }
	inside := func(body string) map[string]string {
		return release("await queryInterface.sequelize.transaction(async (transaction) => {\n" + body + "\n})")
	}
	exercise(t, "src/migrations", table, map[string]releaseCase{
		"no transaction":         {base: base, head: release(query(index, ""))},
		"in one message":         {base: base, head: release(query("SELECT 1; "+index, "")), fails: inBlock},
		"concurrently":           {base: base, head: release("await queryInterface.addIndex('t', ['id'], { concurrently: true })")},
		"in a transaction":       {base: base, head: inside(query(index, ", { transaction }")), fails: inBlock},
		"not in the transaction": {base: base, head: inside(query(index, ""))},
		"an index in one":        {base: base, head: inside("await queryInterface.addIndex('t', ['id'], { concurrently: true, transaction })"), fails: inBlock},
		"after a transaction":    {base: base, head: release("await queryInterface.sequelize.transaction(async (t) => {})\n" + query(index, ""))},
		"a transaction of its own": {base: base, fails: inBlock, head: release("const t = await queryInterface.sequelize.transaction()\ntry {\n" +
			query(index, ", { transaction: t }") + "\nawait t.commit()\n} catch (e) {\nawait t.rollback()\nthrow e\n}")},
		"each message its own": {base: base, head: both(
			release(query("ALTER TYPE e ADD VALUE 'y'", "")), map[string]string{third: migration(query("INSERT INTO a VALUES ('y')", ""))})},
		"an enum and its value in one": {
			base: base, fails: "unsafe use of new value",
			head: inside(query("ALTER TYPE e ADD VALUE 'y'", ", { transaction }") + "\n" + query("INSERT INTO a VALUES ('y')", ", { transaction }")),
		},
		"a default with a unique constraint": {
			base: base, head: release("await queryInterface.changeColumn('t', 'id', { type: Sequelize.INTEGER, defaultValue: 1, unique: true })"), fails: "syntax error",
		},
		"a column that is not there": {base: base, head: release("await queryInterface.removeColumn('a', 'x')"), fails: "does not exist"},
		"edited":                     {base: base, head: map[string]string{first: migration(query("SELECT 1/0", ""))}},
		"gone":                       {base: base, head: both(release(query("SELECT 1", "")), map[string]string{first: gone})},
		"another name":               {base: base, head: map[string]string{first: gone, second: base[first]}, fails: "already exists"},
		"out of order":               {base: base, head: map[string]string{"src/migrations/20240100-z.js": migration(query("SELECT 1", ""))}},
	}, atOnce(t, func(url string) string { return url }, "node", "testdata/sequelize.cjs", packages))
}

// TestSequelizeOperators: a run knows the operators, and the real tool sends the same conditions.
//
// Not parallel: it reads the end of the server's log.
func TestSequelizeOperators(t *testing.T) {
	packages := installed(t, "sequelize")
	compareSent(t, sequelize.Adapter, "sequelize_operators.js", "src/migrations/20240101000000-operators.js",
		atOnce(t, func(url string) string { return url }, "node", "testdata/sequelize.cjs", packages))
}
