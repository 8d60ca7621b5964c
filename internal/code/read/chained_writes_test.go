package read_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/read"
)

// TestChainedWrites: what a chain of calls does with the table with which it begins.
func TestChainedWrites(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file, code string
		want       facts.How
	}{
		{"a.ts", "await knex('users').where('id', id).delete();", facts.Deletes},
		{"a.ts", "return knex\n  .from<User>('users')\n  // the old ones\n  .where((b) => b.where('a', ')').orWhere('b', 1))\n  .del()\n", facts.Deletes},
		{"a.ts", "await trx('users').insert<User>({ name }).onConflict('id').merge()", facts.Inserts},
		{"a.ts", "db?.from('users')?.update({ a: 1 }).eq('id', 1)", facts.Updates},
		{"a.ts", "knex('users').where({ id }).increment('n', 1)", facts.Updates},
		{"a.ts", "await knex.delete().from('users').where('id', 1)", facts.Deletes},
		{"a.ts", "await knex('users').truncate()", facts.Truncates},
		{"a.php", "<?php\n$n = DB::table('users')->where('id', $id)->delete();\n", facts.Deletes},
		{"a.php", "<?php\nDB::table('users')\n    ->insertGetId(['a' => 1]);\n", facts.Inserts},
		// Within a text, with texts of its own, and with texts of any kind before it.
		{
			"a.ts", "const s = [`a ${b(`c ${d}`, 'e')} f`, `(${knex('users').where(`a = ${b('c')}`, {\n d })" +
				".andWhere(`e`).delete()})`];\nconst t = ['u'];", facts.Deletes,
		},
		// Another table's chain, another statement, and a method that takes no call.
		{"a.ts", "await knex('orders').insert(knex.select('id').from('users'))", facts.Reads},
		{"a.ts", "await knex('orders').innerJoin('users', 'a', 'b').delete()", facts.Reads},
		{"a.ts", "const q = knex('users')\nq.where('a', 1).delete()", facts.Reads},
		{"a.ts", "knex('users').select('a'); cache.delete('a')", facts.Reads},
		{"a.ts", "knex('users').delete", facts.Reads},
		{"a.ts", "knex('users'", facts.Reads},
	} {
		found := false
		for _, call := range read.Read(c.file, []byte(c.code)).Calls {
			if call.Table != "users" {
				continue
			}
			if found = true; call.How != c.want {
				t.Errorf("%s: %v, want %v", c.code, call.How, c.want)
			}
		}
		if !found {
			t.Errorf("%s: no call", c.code)
		}
	}
}
