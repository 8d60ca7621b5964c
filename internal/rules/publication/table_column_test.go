package publication

import (
	"testing"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules/ruletest"
)

// TestWholeSchemas is beside the fixture because servers before 15 do not know
// FOR TABLES IN SCHEMA, and the fixture runs on all of them.
func TestWholeSchemas(t *testing.T) {
	t.Parallel()
	f, err := ruletest.Parse([]byte(`# a schema is published
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
`))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{1, 0} {
		findings, err := f.Run([]*rule.Rule{TableColumn}, &f.Releases[i])
		if err != nil {
			t.Fatal(err)
		}
		if len(findings) != want {
			t.Errorf("%s: %d findings, not %d", f.Releases[i].Name, len(findings), want)
		}
	}
}
