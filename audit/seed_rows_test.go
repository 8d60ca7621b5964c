package audit

import (
	"slices"
	"testing"
)

// A table whose rows the history has put in one by one, and which deployed code does
// nothing but read, is small.
func TestSeededTablesAreSmall(t *testing.T) {
	t.Parallel()
	const (
		table = "CREATE TABLE roles (id int PRIMARY KEY, name text);\n"
		rows  = "INSERT INTO roles VALUES (1, 'admin'), (2, 'user');\n"
		next  = "-- db/migrations/002_b.sql --\nUPDATE roles SET name = upper(name);\n"
		reads = "-- store.go --\npackage store\n\nconst q = `SELECT name FROM roles WHERE id = $1`\n"
	)
	for name, tc := range map[string]struct {
		base, Files string
		small       bool
	}{
		"seeded, and read":   {table + rows, reads, true},
		"nobody reads it":    {table + rows, "-- store.go --\npackage store\n\nconst q = `SELECT 1 FROM others`\n", false},
		"no rows":            {table, reads, false},
		"code inserts":       {table + rows, reads + "\nconst w = `INSERT INTO roles VALUES ($1, $2)`\n", false},
		"its name is a text": {table + rows, reads + "\nvar b = insertInto(\"roles\")\n", false},
		"a model": {
			table + rows,
			reads + "-- role.ts --\nimport { Entity, Column, PrimaryColumn } from 'typeorm';\n@Entity('roles')\nexport class Role {\n  @PrimaryColumn() id: number;\n" +
				"  @Column() name: string;\n}\n",
			false,
		},
		"copied from another": {table + rows + "CREATE TABLE users (role text);\nINSERT INTO roles SELECT 3, role FROM users;\n", reads, false},
		"a function puts some": {
			table + rows + "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO roles VALUES (9, 'x'); RETURN new; END $$;\n",
			reads, false,
		},
		"a loop":            {table + "DO $$ BEGIN FOR i IN 1..100000 LOOP INSERT INTO roles VALUES (i, ''); END LOOP; END $$;\n", reads, false},
		"another table now": {table + rows + "ALTER TABLE roles RENAME TO old;\nCREATE TABLE roles (id int, name text);\n", reads, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := repository(t, "-- db/migrations/001_a.sql --\n"+tc.base+tc.Files, next)
			got := found(changelog0(t, Config{Dir: dir, Base: "main"}))
			small := !slices.Contains(got, "error data-update-unbatched 002_b.sql:1") && !slices.Contains(got, "warning data-update-unbatched 002_b.sql:1")
			if small != tc.small {
				t.Errorf("the findings are %v, want a small table: %v", got, tc.small)
			}
		})
	}
}
