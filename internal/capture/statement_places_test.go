package capture

import (
	"testing"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// The line that has most of a statement's names; of several, the first after the last statement.
func TestGuessLine(t *testing.T) {
	t.Parallel()
	const text = `exports.up = async (knex) => {
  await knex.schema.alterTable('users', (t) => { t.text('full_name') })
  for (const u of await knex('users').select('id', 'name')) {
    await knex('users').where({ id: u.id }).update({ full_name: u.name })
  }
  for (const n of ['users', 'teams']) await knex.schema.alterTable(n, (t) => t.index(['email'], n + '_email'))
  await knex('notes').delete()
  await knex('notes').insert({ text: 'x' })
  await knex('notes').insert({ text: 'y' })
}
`
	p := newPlaces(text, nil)
	for _, tc := range []struct {
		sql  string
		want int
	}{
		{`alter table "users" add column "full_name" text`, 2},
		{`select "id", "name" from "users"`, 3},
		{`update "users" set "full_name" = 'x', "name" = '' where "id" = 1`, 4},
		{`select "id", "name" from "users"`, 4}, // line 3 precedes it
		{`create index "teams_email" on "teams" ("email")`, 6},
		{`delete from "notes"`, 7},
		{`insert into "notes" ("text") values ('x')`, 8},
		{`insert into "notes" ("text") values ('y')`, 9},
		{`create table "other" ("a" int)`, 9},
	} {
		part := script.Part{SQL: tc.sql, Start: -1, Line: 1, EndLine: 1}
		if p.setPlace(&part, []*pgparse.Node{pgparse.ParseStatement(tc.sql)}); part.Line != tc.want {
			t.Errorf("%s: line %d, want %d", tc.sql, part.Line, tc.want)
		}
	}
}

// Names in several lines of one call, a statement with one name, and a function that undoes the change.
func TestGuessLineOfCall(t *testing.T) {
	t.Parallel()
	const text = `// Without state.
export const up = (pgm) => {
  pgm.dropTable('state');
  pgm.createIndex(
    'events',
    [{ name: 'received', sort: 'DESC' }],
    { where: 'open' }
  );
};
// The index events_received_idx orders events by received.
export async function down(pgm) {
  pgm.dropIndex('events', [], { name: 'events_received_idx', received: true });
  pgm.createTable('state', { id: 'int' });
}
`
	p := newPlaces(text, nil)
	for _, tc := range []struct {
		sql  string
		want int
	}{
		{`DROP TABLE "state"`, 3},
		{`CREATE INDEX "events_received_idx" ON "events" ("received" DESC) WHERE open`, 5},
		{`DROP TABLE "other"`, 5},
	} {
		part := script.Part{SQL: tc.sql, Start: -1, Line: 1, EndLine: 1}
		if p.setPlace(&part, []*pgparse.Node{pgparse.ParseStatement(tc.sql)}); part.Line != tc.want {
			t.Errorf("%s: line %d, want %d", tc.sql, part.Line, tc.want)
		}
	}
	for line, want := range map[string]bool{
		"  async up(queryInterface) {": true, "def upgrade():": true, "  def down": true, "exports.down = function (knex) {": true,
		"  public async up(queryRunner: QueryRunner): Promise<void> {": true, "  await up.run()": false, "  pgm.down('x')": false, "  updated: 1": false,
	} {
		if stepStart.MatchString(line) != want {
			t.Errorf("stepStart matches %q: %t, want %t", line, !want, want)
		}
	}
}
