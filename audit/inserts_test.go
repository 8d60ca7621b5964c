package audit

import (
	"slices"
	"strings"
	"testing"
)

// MyBatis keeps the queries of a program in XML.
func TestInsertOfAMapper(t *testing.T) {
	t.Parallel()
	r := changelog0(t, Config{Dir: repository(t, "-- m/001_a.sql --\nCREATE TABLE orders (id bigint, state text NOT NULL DEFAULT 'new');\n"+
		"-- src/OrderMapper.xml --\n<mapper>\n<insert id=\"create\">\n  INSERT INTO orders (id)\n  VALUES (#{id})\n</insert>\n</mapper>\n",
		"-- m/002_b.sql --\nSET lock_timeout = '2s';\nALTER TABLE orders ALTER COLUMN state DROP DEFAULT;\n"), Base: "main"})
	for _, f := range r.Findings {
		if f.Rule == "column-drop-default" && f.Severity.String() == "error" && strings.Contains(f.Harm, "src/OrderMapper.xml:3") {
			return
		}
	}
	t.Errorf("the findings are %+v, want an error of column-drop-default at src/OrderMapper.xml:3", r.Findings)
}

// An INSERT in the code that leaves a column out says more than a query that
// reads it.
func TestInsertLeavesTheColumnOut(t *testing.T) {
	t.Parallel()
	const base = `
-- go.mod --
module shop

require github.com/pressly/goose/v3 v3.24.0
-- migrations/00001_init.sql --
-- +goose Up
CREATE TABLE orders (id bigint PRIMARY KEY, total int, region_id bigint, note text, code text);
-- db/functions.sql --
CREATE OR REPLACE FUNCTION copy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO orders (id, total, region_id, note) VALUES (1, 2, 3, '');
END $$;
-- store/store.go --
package store

const (
	insert = ` + "`" + `
		INSERT INTO orders (id, total,
			note)
		VALUES ($1, $2, $3)` + "`" + `
	read   = "SELECT region_id, code FROM orders WHERE id = $1"
	filled = "insert into public.orders (id, code) values ($1, $2)"
)
`
	head := func(up string) string {
		return "-- migrations/00002_more.sql --\n-- +goose Up\nSET LOCAL lock_timeout = '2s';\n" + up + ";\n"
	}
	for name, tt := range map[string]struct{ up, want, harm string }{
		"not null": {"ALTER TABLE orders ALTER COLUMN region_id SET NOT NULL", "error column-set-not-null 00002_more.sql:3", "store/store.go:5"},
		"check": {
			"ALTER TABLE orders ADD CONSTRAINT r CHECK (region_id IS NOT NULL) NOT VALID",
			"error constraint-binds-old-writers 00002_more.sql:3", "store/store.go:5",
		},
		"one of two": {
			"ALTER TABLE orders ADD CONSTRAINT r CHECK (code IS NOT NULL) NOT VALID",
			"error constraint-binds-old-writers 00002_more.sql:3", "store/store.go:5",
		},
		"in all": {
			"ALTER TABLE orders ALTER COLUMN id SET NOT NULL, ALTER COLUMN note SET NOT NULL",
			"error column-set-not-null 00002_more.sql:3", "store/store.go:9",
		},
		"default": {"ALTER TABLE orders ALTER COLUMN region_id SET DEFAULT 0, ALTER COLUMN region_id SET NOT NULL", "info column-set-not-null 00002_more.sql:3", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := changelog0(t, Config{Dir: repository(t, base, head(tt.up)), Base: "main"})
			for _, f := range r.Findings {
				if f.Severity.String()+" "+f.Rule+" 00002_more.sql:3" == tt.want && strings.Contains(f.Harm, tt.harm) {
					return
				}
			}
			t.Errorf("found %v, want %s", found(r), tt.want)
			for _, f := range r.Findings {
				t.Log(f.Rule, f.Fact, f.Harm)
			}
		})
	}
}

// A query that reads a column does not fail when NULL is refused, nor does an
// INSERT when one may be read.
func TestEvidenceOfWritersAndReaders(t *testing.T) {
	t.Parallel()
	dir := repository(t, `
-- go.mod --
module shop

require github.com/pressly/goose/v3 v3.24.0
-- migrations/00001_init.sql --
-- +goose Up
CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL, nickname text);
-- store/store.go --
package store

const (
	add  = "INSERT INTO users (id, email, nickname) VALUES ($1, $2, $3)"
	read = "SELECT nickname, email FROM users WHERE id = $1"
)
`, "-- migrations/00002_more.sql --\n-- +goose Up\nSET LOCAL lock_timeout = '2s';\n"+
		"ALTER TABLE users ALTER COLUMN email DROP NOT NULL;\nALTER TABLE users ADD CONSTRAINT n CHECK (nickname IS NOT NULL) NOT VALID;\n")
	places := map[string]string{"column-drop-not-null": "store/store.go:5", "constraint-binds-old-writers": "store/store.go:4"}
	for _, f := range changelog0(t, Config{Dir: dir, Base: "main"}).Findings {
		if want, ok := places[f.Rule]; ok {
			delete(places, f.Rule)
			if !strings.Contains(f.Harm, "(at "+want+")") || len(f.Evidence) != 1 {
				t.Errorf("%s: want %s alone: %s %v", f.Rule, want, f.Harm, f.Evidence)
			}
		}
	}
	if len(places) > 0 {
		t.Errorf("no finding of %v", places)
	}
}

// Code that never puts a row in, or never reads one, is not hurt for certain.
func TestWhatCodeNeverDoes(t *testing.T) {
	t.Parallel()
	const base = "-- go.mod --\nmodule shop\n\nrequire github.com/pressly/goose/v3 v3.24.0\n-- migrations/00001_init.sql --\n-- +goose Up\n" +
		"CREATE TYPE mood AS ENUM ('fine', 'sad', 'mad');\nCREATE TABLE seen (id bigint PRIMARY KEY);\nCREATE TABLE filled (id bigint PRIMARY KEY, m mood);\n" +
		"CREATE TABLE swept (id bigint PRIMARY KEY);\n" +
		"-- store/store.go --\npackage store\n\nconst (\n\ta = \"SELECT id FROM seen\"\n\tb = \"INSERT INTO filled (id) VALUES ($1)\"\n" +
		"\tc = \"DELETE FROM swept WHERE id < $1\"\n\td = \"SELECT id FROM filled WHERE m = 'sad'\"\n)\n"
	for up, want := range map[string]string{
		"ALTER TABLE seen ADD COLUMN x int NOT NULL DEFAULT 0;\nALTER TABLE seen ALTER COLUMN x DROP DEFAULT;":     "warning column-add-required",
		"ALTER TABLE filled ADD COLUMN x int NOT NULL DEFAULT 0;\nALTER TABLE filled ALTER COLUMN x DROP DEFAULT;": "error column-add-required",
		"TRUNCATE seen;":  "error table-truncate",
		"TRUNCATE swept;": "warning table-truncate",
		"ALTER TYPE mood RENAME TO old;\nCREATE TYPE mood AS ENUM ('fine', 'mad');\nALTER TABLE filled ALTER COLUMN m TYPE mood USING m::text::mood;\n" +
			"DROP TYPE old;": "error type-enum-recreate",
		"ALTER TYPE mood RENAME TO old;\nCREATE TYPE mood AS ENUM ('fine', 'sad');\nALTER TABLE filled ALTER COLUMN m TYPE mood USING m::text::mood;\n" +
			"DROP TYPE old;": "warning type-enum-recreate",
	} {
		r := changelog0(t, Config{Dir: repository(t, base, "-- migrations/00002_more.sql --\n-- +goose Up\nSET LOCAL lock_timeout = '2s';\n"+up+"\n"), Base: "main"})
		var got []string
		for _, f := range r.Findings {
			got = append(got, f.Severity.String()+" "+f.Rule)
		}
		if !slices.Contains(got, want) {
			t.Errorf("%s\n%v, want %s", up, got, want)
		}
	}
}

// The evidence for a column that every INSERT has to name has places that may insert rows, and no query that only reads.
func TestEvidenceOfRequiredColumn(t *testing.T) {
	t.Parallel()
	const base = "-- package.json --\n{\"dependencies\": {\"knex\": \"3\"}}\n-- m/001_a.sql --\nCREATE TABLE links (id bigint PRIMARY KEY, target text);\n" +
		"-- queries.js --\nconst count = (knex) => knex('links').select('id').count('*')\n\n" +
		"const create = (knex, target) => knex('links').insert({ target })\n"
	r := changelog0(t, Config{Dir: repository(t, base, base+"-- m/002_b.sql --\nALTER TABLE links ADD COLUMN note text NOT NULL;\n"), Base: "main"})
	for _, f := range r.Findings {
		if f.Rule != "column-add-required" {
			continue
		}
		var lines []int
		for _, e := range f.Evidence {
			lines = append(lines, e.Line)
		}
		if !slices.Equal(lines, []int{3}) {
			t.Errorf("the evidence is %+v, want line 3 of queries.js", f.Evidence)
		}
		return
	}
	t.Errorf("the findings are %+v, want column-add-required", r.Findings)
}
