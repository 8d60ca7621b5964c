package elements_test

import "testing"

const childAndParent = `CREATE TABLE elders (id int PRIMARY KEY); CREATE TABLE news (id int);
CREATE TABLE parents (id int PRIMARY KEY, name text, elder int REFERENCES elders ON DELETE CASCADE);
CREATE FUNCTION clear() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM parents; RETURN NEW; END $$;
CREATE TRIGGER clears BEFORE INSERT ON news FOR EACH ROW EXECUTE FUNCTION clear();
CREATE TABLE "Kids" (id int PRIMARY KEY, up int, note text CONSTRAINT noted CHECK (note <> ''),
  CONSTRAINT up_fkey FOREIGN KEY (up) REFERENCES parents ON DELETE CASCADE);
CREATE INDEX kids_up ON "Kids" (up); CREATE TABLE others (id int PRIMARY KEY, kid int CONSTRAINT kid_fkey REFERENCES "Kids")`

// TestDropWithTable: parts of a table that is dropped go with it, unless a statement between relies on their drop.
func TestDropWithTable(t *testing.T) {
	t.Parallel()
	for _, c := range []restatedCase{
		{
			name: "foreign key", release: `ALTER TABLE "Kids" DROP CONSTRAINT IF EXISTS up_fkey; ALTER TABLE others DROP COLUMN kid; DROP TABLE "Kids"`,
			want: []string{`ALTER TABLE others DROP COLUMN kid`, `DROP TABLE "Kids"`},
		},
		{
			name:    "the foreign key of another table stays",
			release: `ALTER TABLE others DROP CONSTRAINT kid_fkey; ALTER TABLE "Kids" DROP CONSTRAINT up_fkey; DROP TABLE "Kids"`,
			want:    []string{`ALTER TABLE others DROP CONSTRAINT kid_fkey`, `DROP TABLE "Kids"`},
		},
		{
			name: "several parts", release: `ALTER TABLE others DROP COLUMN kid;
DROP INDEX kids_up; ALTER TABLE "Kids" DROP CONSTRAINT up_fkey, DROP COLUMN note; DROP TABLE "Kids"`,
			want: []string{`ALTER TABLE others DROP COLUMN kid`, `DROP TABLE "Kids"`},
		},
		{
			name: "a statement between deletes parents", release: `ALTER TABLE others DROP COLUMN kid;
ALTER TABLE "Kids" DROP CONSTRAINT up_fkey; DELETE FROM parents; DROP TABLE "Kids"`,
		},
		{
			name: "a statement between changes keys", release: `ALTER TABLE others DROP COLUMN kid;
ALTER TABLE "Kids" DROP CONSTRAINT up_fkey; UPDATE parents SET id = id + 1; DROP TABLE "Kids"`,
		},
		{
			name: "a conflict between changes keys", release: `ALTER TABLE others DROP COLUMN kid; ALTER TABLE "Kids" DROP CONSTRAINT up_fkey;
INSERT INTO parents VALUES (1) ON CONFLICT (id) DO UPDATE SET id = parents.id + 1; DROP TABLE "Kids"`,
		},
		{
			name:    "a delete between reaches parents by a foreign key",
			release: `ALTER TABLE others DROP COLUMN kid; ALTER TABLE "Kids" DROP CONSTRAINT up_fkey; DELETE FROM elders; DROP TABLE "Kids"`,
		},
		{
			name:    "a trigger between deletes parents",
			release: `ALTER TABLE others DROP COLUMN kid; ALTER TABLE "Kids" DROP CONSTRAINT up_fkey; INSERT INTO news VALUES (1); DROP TABLE "Kids"`,
		},
		{
			name: "a statement between writes the table",
			release: `ALTER TABLE others DROP COLUMN kid;
ALTER TABLE "Kids" DROP CONSTRAINT noted; UPDATE "Kids" SET note = ''; DROP TABLE "Kids"`,
		},
		{
			name: "a block between", release: `ALTER TABLE others DROP COLUMN kid;
ALTER TABLE "Kids" DROP CONSTRAINT up_fkey; DO $$ BEGIN PERFORM 1; END $$; DROP TABLE "Kids"`,
		},
		{
			name: "a statement between keeps the keys",
			release: `ALTER TABLE others DROP COLUMN kid;
ALTER TABLE "Kids" DROP CONSTRAINT up_fkey; UPDATE parents SET name = ''; INSERT INTO parents VALUES (1); DROP TABLE "Kids"`,
			want: []string{`ALTER TABLE others DROP COLUMN kid`, `UPDATE parents SET name = ''`,
				`INSERT INTO parents VALUES (1)`, `DROP TABLE "Kids"`},
		},
		{name: "the table stays", release: `ALTER TABLE "Kids" DROP CONSTRAINT up_fkey; DROP TABLE others`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.deployed = childAndParent
			c.run(t)
		})
	}
}
