package database_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules/database"
	"github.com/onward-sql/onward/internal/rules/tools/ruletest"
)

// These are beside the fixture because servers before 15 know neither FOR TABLES
// IN SCHEMA nor lists of columns, and the fixture runs on all of them.
func TestNewPublications(t *testing.T) {
	t.Parallel()
	count(t, `# a schema is published
-- before.sql --
CREATE SCHEMA app;
CREATE SCHEMA app2;
CREATE TABLE app.things (id bigint PRIMARY KEY);
CREATE TABLE app2.things (id bigint PRIMARY KEY);
CREATE TABLE things (id bigint PRIMARY KEY);
CREATE PUBLICATION inside FOR TABLES IN SCHEMA app;
-- bad.sql --
ALTER TABLE app.things ADD COLUMN note text;
-- good.sql --
ALTER TABLE things ADD COLUMN note text;
ALTER TABLE app2.things ADD COLUMN note text;
`, 1, 0)
	count(t, `# some columns are published
-- before.sql --
CREATE TABLE leads (id bigint PRIMARY KEY, email text, score int);
CREATE TABLE rows (id bigint PRIMARY KEY, email text);
CREATE PUBLICATION crm FOR TABLE leads (id, email), rows WHERE (id > 7);
-- bad-listed.sql --
ALTER TABLE leads RENAME COLUMN email TO mail;
-- bad-condition.sql --
ALTER TABLE rows ADD COLUMN note text;
-- good-not-listed.sql --
ALTER TABLE leads ADD COLUMN note text;
-- good-not-listed-drop.sql --
ALTER TABLE leads DROP COLUMN score;
-- good-refused.sql --
ALTER TABLE leads DROP COLUMN email;
`, 1, 1, 0, 0, 0)
}

// count runs the examples of a fixture, of which each has so many findings.
func count(t *testing.T, text string, wants ...int) {
	t.Helper()
	f, err := ruletest.ParseFixture([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range wants {
		findings, err := f.Run([]*rule.Rule{database.PublicationTableColumn}, &f.Releases[i])
		if err != nil {
			t.Fatal(err)
		}
		if len(findings) != want {
			t.Errorf("%s: %d findings, not %d", f.Releases[i].Name, len(findings), want)
		}
	}
}
