package plan_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/onward"
)

// TestRestatedReleases plans releases whose statements are planned together, from the difference of their schemas.
func TestRestatedReleases(t *testing.T) {
	t.Parallel()
	const base = `
CREATE TABLE polls (id bigint PRIMARY KEY, title text);
CREATE TABLE "Watchers" (id bigint PRIMARY KEY, poll bigint NOT NULL CONSTRAINT watched REFERENCES polls ON DELETE CASCADE);
CREATE TABLE "Plans" (id bigint PRIMARY KEY, "Order" text NOT NULL, price integer DEFAULT 1);
CREATE INDEX plans_order ON "Plans" ("Order");
`
	cases := map[string]struct {
		release string
		// sql is part of a step's SQL, and left part of a statement that the plan leaves.
		sql, left string
		// note is part of a note.
		note string
	}{
		"a table with a foreign key": {
			release: `ALTER TABLE "Watchers" DROP CONSTRAINT IF EXISTS watched;
ALTER TABLE polls ADD COLUMN muted boolean NOT NULL DEFAULT false; DROP TABLE "Watchers";`,
			sql:  `DROP TABLE "Watchers"`,
			note: "planned together, from the difference of its schemas: table Watchers: present → absent",
		},
		"a column in another type": {
			release: `ALTER TABLE "Plans" ADD COLUMN tmp varchar(200); UPDATE "Plans" SET tmp = "Order"::varchar;
ALTER TABLE "Plans" ALTER COLUMN tmp SET NOT NULL;
ALTER TABLE "Plans" DROP COLUMN "Order"; ALTER TABLE "Plans" RENAME COLUMN tmp TO "Order";
CREATE INDEX plans_order ON "Plans" ("Order");`,
			sql:  `ALTER TABLE "Plans" ADD COLUMN "Order_onward" character varying(200)`,
			note: "planned together, from the difference of its schemas: column Plans.Order: replaced",
		},
		"a key in another type": {
			release: `ALTER TABLE "Plans" ADD COLUMN tmp text; UPDATE "Plans" SET tmp = id::text; ALTER TABLE "Plans" ALTER COLUMN tmp SET NOT NULL;
ALTER TABLE "Plans" DROP CONSTRAINT "Plans_pkey"; ALTER TABLE "Plans" DROP COLUMN id;
ALTER TABLE "Plans" RENAME COLUMN tmp TO id; ALTER TABLE "Plans" ADD PRIMARY KEY (id);`,
			sql:  `ADD CONSTRAINT "Plans_pkey" PRIMARY KEY USING INDEX`,
			note: "planned together",
		},
		"a part stays as written": {
			release: `ALTER TABLE "Watchers" DROP CONSTRAINT watched; DROP TABLE "Watchers";
CREATE TABLE titles (title text PRIMARY KEY);
INSERT INTO titles SELECT DISTINCT title FROM polls WHERE title IS NOT NULL;`,
			sql:  `DROP TABLE "Watchers"`,
			left: "INSERT INTO titles",
			note: "planned together",
		},
		"other values": {
			release: `ALTER TABLE "Plans" ADD COLUMN tmp jsonb; UPDATE "Plans" SET tmp = jsonb_build_object('order', "Order");
ALTER TABLE "Plans" DROP COLUMN "Order";
ALTER TABLE "Plans" RENAME COLUMN tmp TO "Order"; ALTER TABLE polls ADD COLUMN n integer;`,
			sql:  "ADD COLUMN n integer",
			left: `DROP COLUMN "Order"`,
			note: "not planned from the difference of the schemas: column Plans.Order: replaced: ",
		},
	}
	for _, name := range rotation.Pick(t, 2, sortedNames(cases)) {
		tc := cases[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := planned(t, base, tc.release, 17, nil, true)
			var left []string
			for _, l := range p.Left {
				left = append(left, l.SQL)
			}
			if all := strings.Join(left, "\n"); !strings.Contains(all, tc.left) || (all == "") != (tc.left == "") || p.Proof.Proven != (tc.left == "") {
				t.Errorf("proven %t, left: %s\nmissing: %s\n%s", p.Proof.Proven, all, strings.Join(p.Proof.Missing, "\n"), told(p))
			}
			for _, c := range p.Proof.Checks {
				if !c.OK {
					t.Errorf("the check %q fails: %s", c.Name, c.Detail)
				}
			}
			if text := told(p); !strings.Contains(text, tc.sql) {
				t.Errorf("no step has %s:\n%s", tc.sql, text)
			}
			if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, tc.note) {
				t.Errorf("no note has %q: %s", tc.note, notes)
			}
			checkOrigin(t, p)
		})
	}
}

// checkOrigin checks that steps and hashes belong to the migrations as written.
func checkOrigin(t *testing.T, p *onward.Plan) {
	t.Helper()
	for i := range p.Steps {
		if id := p.Steps[i].Migration; id != p.Migrations[0].ID {
			t.Errorf("step %s comes from migration %q, want %q", p.Steps[i].ID, id, p.Migrations[0].ID)
		}
	}
	if len(p.Migrations) != 1 || (p.Migrations[0].Hash == "") != (len(p.Left) > 0) {
		t.Errorf("the migrations are %+v", p.Migrations)
	}
}
