package kysely_test

import (
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/adapter/jscode"
	"github.com/onward-sql/onward/internal/adapter/knex"
	"github.com/onward-sql/onward/internal/adapter/kysely"
	"github.com/onward-sql/onward/internal/adapter/sequelize"
)

// TestHostileBuilders: long chains, callbacks, objects and lists of rows do not take time that grows with the square of their length.
func TestHostileBuilders(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		form              jscode.Form
		begin, piece, end string
	}{
		"kysely chain":      {kysely.Adapter.Sends, "db.schema.createTable('a')", ".addColumn('b', 'text', (col) => col.notNull())", ".execute()"},
		"kysely callback":   {kysely.Adapter.Sends, "db.schema.createTable('a').addColumn('b', 'text', (col) => col", ".notNull()", ").execute()"},
		"kysely rows":       {kysely.Adapter.Sends, "db.insertInto('a').values([", "{ b: 1 },", "]).execute()"},
		"kysely modifiers":  {kysely.Adapter.Sends, "db.schema.createTable('a').addColumn('b', 'text', (col) => col", ".modifyEnd(sql`x`)", ").execute()"},
		"kysely columns":    {kysely.Adapter.Sends, "db.deleteFrom('a')", ".whereRef('b', '=', 'c')", ".execute()"},
		"kysely conditions": {kysely.Adapter.Sends, "db.deleteFrom('a')", ".where('b', '=', 1)", ".execute()"},
		"knex columns":      {knex.Adapter.Sends, "db.schema.createTable('a', (t) => {", "t.text('b').notNullable().index();", "})"},
		"knex enum":         {knex.Adapter.Sends, "db.schema.createTable('a', (t) => { t.enum('b', [", "'c',", "]) })"},
		"knex conditions":   {knex.Adapter.Sends, "db('a')", ".where('b', 1)", ".del()"},
		"knex rows":         {knex.Adapter.Sends, "db('a').insert([", "{ b: 1, c: 2 },", "])"},
		"sequelize columns": {sequelize.Adapter.Sends, "db.createTable('a', {", "b: { type: Sequelize.ENUM('x'), comment: 'y' },", "})"},
		"sequelize rows":    {sequelize.Adapter.Sends, "db.bulkInsert('a', [", "{ b: 1 },", "])"},
		"sequelize fields":  {sequelize.Adapter.Sends, "db.bulkInsert('a', [{", "b: 1,", "}])"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			up := jscode.ReadUp("exports.up = async (db, Sequelize) => {\n  await "+tc.begin+strings.Repeat(tc.piece, (256<<10)/len(tc.piece))+tc.end+"\n}\n", tc.form)
			if took := time.Since(begin); took > 10*time.Second || len(up.Parts)+len(up.Unread) == 0 {
				t.Errorf("%s, %d statements, %d not judged", took, len(up.Parts), len(up.Unread))
			}
		})
	}
}
