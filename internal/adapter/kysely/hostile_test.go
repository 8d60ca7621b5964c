package kysely_test

import (
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/jscode"
	"github.com/onward-sql/onward/internal/adapter/knex"
	"github.com/onward-sql/onward/internal/adapter/kysely"
	"github.com/onward-sql/onward/internal/adapter/sequelize"
)

// TestHostileBuilders: long chains, callbacks, objects and lists of rows do not take time that grows with the square of their length.
func TestHostileBuilders(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	for name, tc := range map[string]struct {
		adapter           jscode.Adapter
		begin, piece, end string
	}{
		"kysely chain":      {kysely.Adapter, "db.schema.createTable('a')", ".addColumn('b', 'text', (col) => col.notNull())", ".execute()"},
		"kysely callback":   {kysely.Adapter, "db.schema.createTable('a').addColumn('b', 'text', (col) => col", ".notNull()", ").execute()"},
		"kysely rows":       {kysely.Adapter, "db.insertInto('a').values([", "{ b: 1 },", "]).execute()"},
		"kysely modifiers":  {kysely.Adapter, "db.schema.createTable('a').addColumn('b', 'text', (col) => col", ".modifyEnd(sql`x`)", ").execute()"},
		"kysely columns":    {kysely.Adapter, "db.deleteFrom('a')", ".whereRef('b', '=', 'c')", ".execute()"},
		"kysely conditions": {kysely.Adapter, "db.deleteFrom('a')", ".where('b', '=', 1)", ".execute()"},
		"knex columns":      {knex.Adapter, "db.schema.createTable('a', (t) => {", "t.text('b').notNullable().index();", "})"},
		"knex enum":         {knex.Adapter, "db.schema.createTable('a', (t) => { t.enum('b', [", "'c',", "]) })"},
		"knex conditions":   {knex.Adapter, "db('a')", ".where('b', 1)", ".del()"},
		"knex rows":         {knex.Adapter, "db('a').insert([", "{ b: 1, c: 2 },", "])"},
		"sequelize columns": {sequelize.Adapter, "db.createTable('a', {", "b: { type: Sequelize.ENUM('x'), comment: 'y' },", "})"},
		"sequelize rows":    {sequelize.Adapter, "db.bulkInsert('a', [", "{ b: 1 },", "])"},
		"sequelize fields":  {sequelize.Adapter, "db.bulkInsert('a', [{", "b: 1,", "}])"},
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			source := adapter.Source{Framework: tc.adapter.Framework, Dir: "migrations"}
			set, err := tc.adapter.Load(t.Context(), adaptertest.Files{"migrations/20240101000000-a.js": []byte("// 'knex', 'kysely', queryInterface\n" +
				"exports.up = async (db, Sequelize) => {\n  await " + tc.begin + strings.Repeat(tc.piece, (64<<10)/len(tc.piece)) + tc.end + "\n}\n")}, source)
			if err != nil || len(set.Migrations) != 1 {
				t.Fatalf("load: %v; it reads %+v, want one migration", err, set)
			}
			m := set.Migrations[0]
			if took := time.Since(begin); took > 20*time.Second || len(m.Source.Parts)+len(m.Opaque) == 0 {
				t.Errorf("%s, %d statements, %d not judged", took, len(m.Source.Parts), len(m.Opaque))
			}
		})
	}
}
