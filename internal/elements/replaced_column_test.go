package elements_test

import "testing"

// TestReplaceColumn: a column whose name and values another one takes becomes a change of its type.
func TestReplaceColumn(t *testing.T) {
	t.Parallel()
	const otherValues = "gives it other values than the old one has"
	for _, c := range []restatedCase{
		{
			name: "cast", release: `CREATE TYPE "Kind" AS ENUM ('a', 'b');
ALTER TABLE "Items" ADD COLUMN "Tmp" "Kind"; UPDATE "Items" AS i SET "Tmp" = i."Order"::text::"Kind"
WHERE i."Order" IS NOT NULL;
ALTER TABLE "Items" DROP COLUMN "Order"; ALTER TABLE "Items" RENAME "Tmp" TO "Order"`,
			want: []string{
				`CREATE TYPE "Kind" AS ENUM ('a', 'b')`, `ALTER TABLE "Items" ALTER COLUMN "Order" DROP DEFAULT`, `ALTER TABLE "Items" ALTER COLUMN "Order" DROP NOT NULL`,
				`ALTER TABLE "Items" ALTER COLUMN "Order" TYPE "Kind" USING ("Order"::text::"Kind")`,
			},
		},
		{
			name: "required, with a default", release: `ALTER TABLE "Items" ADD COLUMN tmp varchar(9) COLLATE "C"; UPDATE "Items" SET tmp = price;
ALTER TABLE "Items" ALTER tmp SET NOT NULL, ALTER tmp SET DEFAULT '0';
ALTER TABLE "Items" DROP COLUMN price; ALTER TABLE "Items" RENAME tmp TO price`,
			want: []string{
				`ALTER TABLE "Items" ALTER COLUMN price TYPE varchar(9) COLLATE "C" USING (price)`, `ALTER TABLE "Items" ALTER COLUMN price SET DEFAULT '0'`,
				`ALTER TABLE "Items" ALTER COLUMN price SET NOT NULL`,
			},
		},
		{
			name: "each value under its name", release: `CREATE TYPE kind AS ENUM ('a', 'b'); ALTER TABLE "Items" ADD COLUMN tmp kind;
UPDATE "Items" SET tmp = CASE WHEN note = 'a' THEN 'a'::kind WHEN 'b' = note THEN 'b' ELSE NULL END;
ALTER TABLE "Items" DROP COLUMN note; ALTER TABLE "Items" RENAME tmp TO note`,
			want: []string{
				`CREATE TYPE kind AS ENUM ('a', 'b')`,
				`ALTER TABLE "Items" ALTER COLUMN note TYPE kind USING ` +
					`(CASE WHEN note = 'a' THEN 'a'::kind WHEN 'b' = note THEN 'b' ELSE NULL END)`,
				`DROP INDEX items_note`,
			},
		},
		{
			name: "a later change of the type", release: `ALTER TABLE "Items" ADD COLUMN tmp text; UPDATE "Items" SET tmp = price::text;
ALTER TABLE "Items" DROP COLUMN price;
ALTER TABLE "Items" RENAME tmp TO price; ALTER TABLE "Items" ALTER price TYPE numeric USING price::numeric;
CREATE INDEX by_price ON "Items" (price)`,
			want: []string{
				`ALTER TABLE "Items" ALTER COLUMN price TYPE numeric USING ( ((price::text)::text)::numeric)`, `CREATE INDEX by_price ON "Items" (price)`,
			},
		},
		{
			name: "several commands in one statement", release: `ALTER TABLE "Items" ADD COLUMN "a.b" text, ADD COLUMN extra int CHECK (extra > 0);
UPDATE "Items" SET "a.b" = price::text; ALTER TABLE "Items" DROP COLUMN price, DROP COLUMN note; ALTER TABLE "Items" RENAME "a.b" TO price`,
			want: []string{
				`ALTER TABLE "Items" ADD COLUMN extra int CHECK (extra > 0)`, `ALTER TABLE "Items" DROP COLUMN note`,
				`ALTER TABLE "Items" ALTER COLUMN price TYPE text USING (price::text)`,
			},
		},
		{
			name: "a value in a text", release: `CREATE SEQUENCE price_seq; ALTER TABLE "Items" ADD COLUMN tmp bigint DEFAULT 7; UPDATE "Items" SET tmp = price;
ALTER TABLE "Items" DROP COLUMN price; ALTER TABLE "Items" RENAME tmp TO price; SELECT setval('price_seq', 1)`,
			want: []string{
				`CREATE SEQUENCE price_seq`, `ALTER TABLE "Items" ALTER COLUMN price TYPE bigint USING (price)`,
				`ALTER TABLE "Items" ALTER COLUMN price SET DEFAULT 7`, `SELECT setval('price_seq', 1)`,
			},
		},
		{
			name: "a key, whose constraint goes and comes back", release: `ALTER TABLE "Items" ADD COLUMN tmp text; UPDATE "Items" SET tmp = id::text;
ALTER TABLE "Items" DROP COLUMN id; ALTER TABLE "Items" RENAME tmp TO id; ALTER TABLE "Items" ADD PRIMARY KEY (id)`,
			want: []string{`ALTER TABLE "Items" ALTER COLUMN id TYPE text USING (id::text)`},
		},
		{
			name: "a key that is dropped first", release: `ALTER TABLE "Items" ADD COLUMN tmp text; UPDATE "Items" SET tmp = id::text;
ALTER TABLE "Items" ALTER tmp SET NOT NULL;
ALTER TABLE "Items" DROP CONSTRAINT "Items_pkey"; ALTER TABLE "Items" DROP COLUMN IF EXISTS id;
ALTER TABLE "Items" RENAME tmp TO id; ALTER TABLE "Items" ADD PRIMARY KEY (id)`,
			want: []string{`ALTER TABLE "Items" ALTER COLUMN id TYPE text USING (id::text)`},
		},
		{
			name: "another key", release: `ALTER TABLE "Items" ADD COLUMN tmp text; UPDATE "Items" SET tmp = id::text;
ALTER TABLE "Items" DROP COLUMN id; ALTER TABLE "Items" RENAME tmp TO id; ALTER TABLE "Items" ADD CONSTRAINT "Items_pkey" PRIMARY KEY (id, price)`,
			want: []string{
				`ALTER TABLE "Items" ALTER COLUMN id TYPE text USING (id::text)`, `ALTER TABLE "Items" DROP CONSTRAINT "Items_pkey"`,
				`ALTER TABLE "Items" ADD CONSTRAINT "Items_pkey" PRIMARY KEY (id, price)`,
			},
		},
		{
			name: "an index that comes back as it was", release: `ALTER TABLE "Items" ADD COLUMN tmp varchar(9); UPDATE "Items" SET tmp = note;
ALTER TABLE "Items" DROP COLUMN note; ALTER TABLE "Items" RENAME tmp TO note; CREATE INDEX items_note ON "Items" (note)`,
			want: []string{`ALTER TABLE "Items" ALTER COLUMN note TYPE varchar(9) USING (note)`},
		},
		{
			name: "an index that comes back as another one", release: `ALTER TABLE "Items" ADD COLUMN tmp varchar(9); UPDATE "Items" SET tmp = note;
ALTER TABLE "Items" DROP COLUMN note; ALTER TABLE "Items" RENAME tmp TO note; CREATE INDEX items_note ON "Items" USING btree (note) WHERE price > 0`,
			want: []string{
				`ALTER TABLE "Items" ALTER COLUMN note TYPE varchar(9) USING (note)`, `DROP INDEX items_note`,
				`CREATE INDEX items_note ON "Items" USING btree (note) WHERE price > 0`,
			},
		},
		{
			name: "other values", release: `ALTER TABLE "Items" ADD COLUMN tmp jsonb; UPDATE "Items" SET tmp = jsonb_build_object('note', note);
ALTER TABLE "Items" DROP COLUMN note; ALTER TABLE "Items" RENAME tmp TO note`,
			refused: otherValues,
		},
		{
			name: "other names of values", release: `ALTER TABLE "Items" ADD COLUMN tmp text; UPDATE "Items" SET tmp = CASE note WHEN 'a' THEN 'A' END;
ALTER TABLE "Items" DROP COLUMN note; ALTER TABLE "Items" RENAME tmp TO note`,
			refused: otherValues,
		},
		{
			name: "some values only", release: `ALTER TABLE "Items" ADD COLUMN tmp json; UPDATE "Items" SET tmp = note::json WHERE note <> '';
ALTER TABLE "Items" DROP COLUMN note; ALTER TABLE "Items" RENAME tmp TO note`,
			refused: otherValues,
		},
		{
			name: "no values", release: `ALTER TABLE "Items" DROP COLUMN note; ALTER TABLE "Items" ADD COLUMN note json`,
			refused: "no UPDATE gives the new column the values of the old one",
		},
		{
			name: "no values, and a condition", release: `ALTER TABLE "Items" DROP COLUMN note; ALTER TABLE "Items" ADD COLUMN note varchar(9) UNIQUE`,
			refused: "no UPDATE gives the new column the values of the old one",
		},
		{
			name: "a condition of the new column", release: `ALTER TABLE "Items" ADD COLUMN tmp text UNIQUE; UPDATE "Items" SET tmp = note;
ALTER TABLE "Items" DROP COLUMN note; ALTER TABLE "Items" RENAME tmp TO note`,
			refused: "m.sql:1 adds more than the new column",
		},
		{
			name: "values of another column", release: `ALTER TABLE "Items" ADD COLUMN tmp json; UPDATE "Items" SET tmp = price::text::json;
ALTER TABLE "Items" DROP COLUMN note; ALTER TABLE "Items" RENAME tmp TO note`,
			refused: "reads more than the old column",
		},
		{
			name: "the new column is used before", release: `ALTER TABLE "Items" ADD COLUMN tmp json; UPDATE "Items" SET tmp = note::json;
CREATE VIEW v AS SELECT tmp FROM "Items";
ALTER TABLE "Items" DROP COLUMN note; ALTER TABLE "Items" RENAME tmp TO note`,
			refused: "uses the new column before it has its name",
		},
		{
			name: "two columns at once", release: `ALTER TABLE "Items" ADD COLUMN tmp json; UPDATE "Items" SET tmp = note::json, price = 1;
ALTER TABLE "Items" DROP COLUMN note; ALTER TABLE "Items" RENAME tmp TO note`,
			refused: "does more than give the new column its values",
		},
		{
			name: "a condition on the new column", release: `ALTER TABLE "Items" ADD COLUMN tmp json UNIQUE; DROP TABLE "Items"`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.deployed = `CREATE TABLE "Items" (id int PRIMARY KEY, "Order" text NOT NULL DEFAULT 'a', note text, price int);
CREATE INDEX items_note ON "Items" (note)`
			c.run(t)
		})
	}
}
