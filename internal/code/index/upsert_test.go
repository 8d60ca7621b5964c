package index_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/code/index"
)

// ON CONFLICT asks for columns of a table where SQL says so; where the table, or what it
// asks for, is put in as the program runs, and where a mapper says it, it may.
func TestUpsertsOfCode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, file, code, sure, may string }{
		{"SQL", "a.go", "q := `INSERT INTO users (kind) VALUES (1)\nON CONFLICT (kind) DO NOTHING`\n", "a.go:2", ""},
		{"another table", "a.go", "q := `INSERT INTO teams (kind) VALUES (1) ON CONFLICT (kind) DO NOTHING`\n", "", ""},
		{"another schema", "a.go", "q := `INSERT INTO crm.users (kind) VALUES (1) ON CONFLICT (kind) DO NOTHING`\n", "", ""},
		{"more columns", "a.go", "q := `INSERT INTO users (kind) VALUES (1) ON CONFLICT (kind, id) DO NOTHING`\n", "", ""},
		{"a comment", "a.go", "/*\nINSERT INTO users (kind) VALUES (1) ON CONFLICT (kind) DO NOTHING\ndb.users.upsert(users)\n*/\n", "", ""},
		{"a comment in SQL", "a.sql", "-- INSERT INTO users (kind) VALUES (1) ON CONFLICT (kind) DO NOTHING\nSELECT 1;\n", "", ""},
		{"a message", "a.go", "log(\"on conflict (kind) the users are asked\")\n", "", ""},
		{
			"added to an INSERT that goes on", "a.go",
			"b.WriteString(\"INSERT INTO users (kind) VALUES \")\nb.WriteString(rows)\nb.WriteString(\" ON CONFLICT (kind) DO UPDATE SET name = 'x'\")\n",
			"a.go:3", "",
		},
		{
			"added to one that is whole", "a.go",
			"q := \"INSERT INTO users (kind) VALUES (1)\"\nsq.Insert(t).Suffix(\"ON CONFLICT (kind) DO NOTHING\")\n", "",
			"a.go:2",
		},
		{
			"in a function that a function makes", "a.sql",
			"CREATE PROCEDURE p (name text) LANGUAGE plpgsql AS $a$\nBEGIN\n  EXECUTE replace($b$ CREATE FUNCTION f_thing() RETURNS trigger LANGUAGE plpgsql AS $$\n" +
				"  BEGIN\n    INSERT INTO users (kind) VALUES (NEW.kind)\n    ON CONFLICT (kind) DO NOTHING;\n    RETURN NULL;\n  END $$;\n  $b$, 'thing', name);\n" +
				"END $a$;\n",
			"a.sql:6", "",
		},
		{"SQLAlchemy, in a comment", "a.py", "users = 1\n# insert(users).on_conflict_do_update(index_elements=['kind'])\n", "", ""},
		{"knex", "a.js", "knex('users').insert(r).onConflict('kind').merge()\n", "a.js:1", ""},
		{"knex, another table", "a.js", "knex('teams').insert(r).onConflict('kind').merge()\n", "", ""},
		{
			"a table in front of the call", "a.go",
			"func save(users []User) error {\n\treturn db.Clauses(clause.OnConflict{UpdateAll: true}).Create(&rows)\n}\n", "",
			"a.go:2",
		},
		{"a text", "a.go", "x := \"users.onConflict('kind')\"\n", "", ""},
		{"Django", "a.py", "User.objects.bulk_create(rows, update_conflicts=True, unique_fields=['sort'])\n", "a.py:1", ""},
		{"Django, another field", "a.py", "User.objects.bulk_create(rows, update_conflicts=True, unique_fields=['name'])\n", "", ""},
		{"Django, in a comment", "a.py", "x = 1  # User.objects.bulk_create(rows, update_conflicts=True, unique_fields=['sort'])\n", "", ""},
	} {
		b := bound(t, map[string]string{tt.file: tt.code})
		fields := map[string]map[string]string{"User": {"sort": "kind", "name": "name"}}
		sure, possibleUses := b.FindUpserts(index.UpsertOn{Name: users, Columns: []string{"kind"}, Fields: fields})
		if got := [2]string{places(sure), places(possibleUses)}; got != [2]string{tt.sure, tt.may} {
			t.Errorf("FindUpserts, %s: sure and possible uses %q, want %q and %q", tt.name, got, tt.sure, tt.may)
		}
	}
}
