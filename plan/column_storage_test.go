package plan_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/onward"
)

// TestKeepsStorageOfColumns changes columns of a composite key and of an index with settings of its own. The proof
// compares all of it with what the migrations make, so a plan that loses a setting is not proven.
func TestKeepsStorageOfColumns(t *testing.T) {
	t.Parallel()
	p := planned(t, `CREATE TABLE parts (tenant int, id int, code int NOT NULL, PRIMARY KEY (id, tenant)) WITH (fillfactor = 80);
CREATE UNIQUE INDEX parts_code ON parts (code) WITH (fillfactor = 70);
CREATE INDEX parts_code_tenant ON parts (code, tenant) WITH (fillfactor = 60, deduplicate_items = off);
ALTER TABLE parts REPLICA IDENTITY USING INDEX parts_code;
ALTER TABLE parts CLUSTER ON parts_code_tenant;`,
		`ALTER TABLE parts ALTER COLUMN id TYPE bigint;
ALTER TABLE parts ALTER COLUMN code TYPE bigint;
ALTER TABLE parts ADD COLUMN a int, ADD COLUMN b int DEFAULT 1, ADD COLUMN c text, ADD COLUMN d int NOT NULL DEFAULT 4, ADD COLUMN e int;`, 18, &config.Config{Postgres: []int{18}}, true)
	if !p.Proof.Proven {
		t.Errorf("%s", told(p))
	}
	var all strings.Builder
	adds := 0
	for i := range p.Steps {
		all.WriteString(p.Steps[i].SQL)
		if strings.Contains(p.Steps[i].SQL, "ADD COLUMN a int") {
			adds++
			if n := strings.Count(p.Steps[i].SQL, "ADD COLUMN"); n != 5 || p.Steps[i].Phase != onward.Expand {
				t.Errorf("one step adds %d columns of 5: %s", n, p.Steps[i].SQL)
			}
		}
	}
	for _, want := range []string{
		"RENAME CONSTRAINT parts_id_onward_not_null TO parts_id_not_null", "RENAME CONSTRAINT parts_code_onward_not_null TO parts_code_not_null",
		"REPLICA IDENTITY USING INDEX parts_code;", "CLUSTER ON parts_code_tenant;", "fillfactor = 70",
	} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("no step has %q", want)
		}
	}
	if adds != 1 {
		t.Errorf("%d steps add the column a", adds)
	}
}
