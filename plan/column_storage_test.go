package plan_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/config"
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
ALTER TABLE parts ALTER COLUMN code TYPE bigint;`, 18, &config.Config{Postgres: []int{18}}, true)
	if !p.Proof.Proven {
		t.Errorf("%s", told(p))
	}
	var all strings.Builder
	for i := range p.Steps {
		all.WriteString(p.Steps[i].SQL)
	}
	for _, want := range []string{
		"RENAME CONSTRAINT parts_id_onward_not_null TO parts_id_not_null", "RENAME CONSTRAINT parts_code_onward_not_null TO parts_code_not_null",
		"REPLICA IDENTITY USING INDEX parts_code;", "CLUSTER ON parts_code_tenant;", "fillfactor = '70'",
	} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("no step has %q", want)
		}
	}
}
