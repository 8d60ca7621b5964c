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

// Programs read a publication that has their name. A subscription that a migration creates outweighs the name.
func TestPublicationReaders(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{
		"dbz_publication": 0, "supabase_realtime": 0, "powersync": 0, "electric_publication_default": 0, "zero": 0, "_zero_public_0": 0,
		"airbyte_publication": 0, "peerflow_pub_orders": 0, "fivetran_pub": 0, "orders_cdc": 0, "outbox": 0, "app_realtime": 0,
		"warehouse": 1, "electric_meters": 1, "zero_downtime_upgrade": 1, "outboxes": 1, "feed": 1,
	} {
		before := "# readers\n-- before.sql --\nCREATE TABLE leads (id bigint PRIMARY KEY);\nCREATE PUBLICATION " + name + " FOR ALL TABLES;\n"
		change := "-- bad.sql --\nALTER TABLE leads ADD COLUMN note text;\n"
		count(t, before+change, want)
		count(t, before+"CREATE SUBSCRIPTION copy CONNECTION 'host=b' PUBLICATION "+name+" WITH (connect = false);\n"+change, 1)
	}
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
