package plan_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/config"
)

const lines = `CREATE TABLE shops (id bigint PRIMARY KEY);
CREATE TABLE lines (id integer GENERATED ALWAYS AS IDENTITY (START WITH 5 INCREMENT BY 2) PRIMARY KEY, shop_id bigint REFERENCES shops ON DELETE SET NULL, number serial, price numeric NOT NULL DEFAULT 3 CHECK (price >= 0), what text COLLATE "C", loud text GENERATED ALWAYS AS (what || '!') STORED, CONSTRAINT once UNIQUE (number, price)) WITH (fillfactor = 90);
CREATE INDEX ON lines (what text_pattern_ops, lower(what)) WHERE price > 1;
COMMENT ON COLUMN lines.what IS 'it''s';
CREATE TABLE marks (id bigint PRIMARY KEY, line_id integer CONSTRAINT of_line REFERENCES lines ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE topics (id integer PRIMARY KEY, title text NOT NULL,
  above integer CONSTRAINT parent REFERENCES topics ON DELETE CASCADE ON UPDATE CASCADE, beside integer REFERENCES topics ON DELETE SET NULL DEFERRABLE);
CREATE INDEX ON topics (above);
CREATE VIEW dear AS SELECT id FROM shops;
CREATE TABLE keyless (a integer);
-- +goose StatementBegin
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.what := coalesce(NEW.what, 'x'); RETURN NEW; END $$;
-- +goose StatementEnd
`

var generatedColumns = []change{
	{"generated with an index", "ALTER TABLE lines ADD COLUMN twice numeric GENERATED ALWAYS AS (price * 2) STORED; CREATE INDEX ON lines (twice); " +
		"COMMENT ON COLUMN lines.twice IS 'two';", 17,
		[]string{
			"LIKE lines INCLUDING ALL",
			"FOREIGN KEY (line_id) REFERENCES lines_onward (id) ON UPDATE CASCADE ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED NOT VALID",
		}, ""},
	{
		"two generated, and a check",
		"ALTER TABLE lines ADD COLUMN twice numeric GENERATED ALWAYS AS (price * 2) STORED NOT NULL, " +
			"ADD COLUMN long integer GENERATED ALWAYS AS (length(what)) STORED, ADD CONSTRAINT few CHECK (long >= 0);",
		13, nil, "",
	},
	{"generated beside keys to the table itself", "ALTER TABLE topics ADD COLUMN search tsvector " +
		"GENERATED ALWAYS AS (to_tsvector('english', title)) STORED; CREATE INDEX ON topics USING gin (search);", 17,
		[]string{
			"ALTER TABLE topics_onward ADD CONSTRAINT parent FOREIGN KEY (above) REFERENCES topics_onward (id) ON UPDATE CASCADE ON DELETE CASCADE " +
				"DEFERRABLE INITIALLY DEFERRED NOT VALID",
			"ALTER TABLE topics ALTER CONSTRAINT parent NOT DEFERRABLE", "ALTER CONSTRAINT topics_beside_fkey DEFERRABLE INITIALLY IMMEDIATE",
		}, ""},
	{"generated beside keys to the table itself 13", "ALTER TABLE topics ADD COLUMN long integer GENERATED ALWAYS AS (length(title)) STORED;", 13, nil, ""},
	{"generated in two tables of which one refers to the other", "ALTER TABLE lines ADD COLUMN twice numeric GENERATED ALWAYS AS (price * 2) STORED; " +
		"ALTER TABLE marks ADD COLUMN twice bigint GENERATED ALWAYS AS (id * 2) STORED;", 17, nil, ""},
	{"generated in two tables, the other first", "ALTER TABLE marks ADD COLUMN twice bigint GENERATED ALWAYS AS (id * 2) STORED; " +
		"ALTER TABLE lines ADD COLUMN twice numeric GENERATED ALWAYS AS (price * 2) STORED;", 17, nil, ""},
	{"another expression", "ALTER TABLE lines ALTER COLUMN loud SET EXPRESSION AS (what || '?');", 17, nil, ""},
	{"generated 18", "ALTER TABLE lines ADD COLUMN twice numeric GENERATED ALWAYS AS (price * 2) STORED;", 18, nil, ""},
	{"virtual 18", "ALTER TABLE lines ADD COLUMN twice numeric GENERATED ALWAYS AS (price * 2) VIRTUAL;", 18, []string{"unchanged: it is safe"}, ""},
	{
		"generated, no key", "ALTER TABLE keyless ADD COLUMN b integer GENERATED ALWAYS AS (a * 2) STORED NOT NULL;", 17,
		[]string{"NEW.b := (NEW.a * 2)", "UPDATE keyless AS t SET b = (t.a * 2) FROM batch WHERE t.ctid = batch.onward_key1"}, "nothing to go along its rows by",
	},
	{
		"generated, unique",
		"ALTER TABLE lines ADD COLUMN twice numeric GENERATED ALWAYS AS (price * 2) STORED; CREATE UNIQUE INDEX twice_once ON lines (twice);",
		17, nil, "becomes unique, and the deployed table is not (twice_once)",
	},
	{
		"generated and rows",
		"ALTER TABLE lines ADD COLUMN twice numeric GENERATED ALWAYS AS (price * 2) STORED; UPDATE lines SET price = 4;",
		17, nil, "a release of its own",
	},
}

func TestGeneratedColumns(t *testing.T) {
	t.Parallel()
	proven(t, lines, generatedColumns)
}

// A small table is rewritten as in the release: nobody waits long.
func TestGeneratedSmall(t *testing.T) {
	t.Parallel()
	p := planOn(t, lines, "ALTER TABLE lines ADD COLUMN twice numeric GENERATED ALWAYS AS (price * 2) STORED;", 17, &config.Config{
		Postgres:    []int{17},
		SmallTables: []string{"lines"},
	})
	if len(p.Steps) != 1 || !strings.Contains(p.Steps[0].SQL, "ALTER TABLE lines ADD COLUMN twice") || !p.Proof.Proven {
		t.Errorf("the plan is not one proven step that adds the column:\n%s", told(p))
	}
}
