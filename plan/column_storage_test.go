package plan_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/onward"
)

// columnsOfSetNull is ON DELETE SET NULL with columns, which exist from 15 on.
var columnsOfSetNull = map[int]string{13: "SET NULL", 18: "SET NULL (code)"}

// TestKeepsStorageOfColumns changes columns of a composite key and of an index with settings of its own. The proof
// compares all of it with what the migrations make, so a plan that loses a setting is not proven.
func TestKeepsStorageOfColumns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		major    int // of the proof
		versions []int
	}{
		"18 alone": {18, []int{18}}, "13 to 18, proven on 18": {18, nil}, "13 to 18, proven on 13": {13, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keepsStorage(t, c.major, c.versions)
		})
	}
}

func keepsStorage(t *testing.T, major int, versions []int) {
	t.Helper()
	p := planned(t, strings.Replace(`CREATE TABLE parts (tenant int, id int, code int NOT NULL, PRIMARY KEY (id, tenant)) WITH (fillfactor = 80);
CREATE UNIQUE INDEX parts_code ON parts (code) WITH (fillfactor = 70);
CREATE INDEX parts_code_tenant ON parts (code, tenant) WITH (fillfactor = 60, deduplicate_items = off);
CREATE INDEX parts_sorted ON parts (code DESC NULLS LAST, id NULLS FIRST, tenant DESC);
CREATE TABLE places (place bigint PRIMARY KEY, tenant int, id int, code int, FOREIGN KEY (id, tenant) REFERENCES parts MATCH FULL ON DELETE SET NULL, FOREIGN KEY (code) REFERENCES parts (code) ON DELETE SET NULL (code));
CREATE INDEX ON places (id, tenant);
CREATE INDEX ON places (code);
ALTER TABLE parts REPLICA IDENTITY USING INDEX parts_code;
ALTER TABLE parts CLUSTER ON parts_code_tenant;`, "SET NULL (code)", columnsOfSetNull[major], 1),
		`ALTER TABLE parts ALTER COLUMN id TYPE bigint;
ALTER TABLE parts ALTER COLUMN code TYPE bigint;
ALTER TABLE places ALTER COLUMN id TYPE bigint;
ALTER TABLE places ALTER COLUMN code TYPE bigint;
ALTER TABLE parts ADD COLUMN a int, ADD COLUMN b int DEFAULT 1, ADD COLUMN c text, ADD COLUMN d int NOT NULL DEFAULT 4, ADD COLUMN e int;`, major, &config.Config{Postgres: versions}, true)
	if !p.Proof.Proven {
		t.Errorf("the plan is not proven:\n%s", told(p))
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
	wanted := []string{
		"REPLICA IDENTITY USING INDEX parts_code;", "CLUSTER ON parts_code_tenant;", "fillfactor = 70", "DESC NULLS LAST", "MATCH FULL",
	}
	if versions != nil { // otherwise onward apply renames them
		wanted = append(wanted, "RENAME CONSTRAINT parts_id_onward_not_null TO parts_id_not_null",
			"RENAME CONSTRAINT parts_code_onward_not_null TO parts_code_not_null")
	}
	for _, want := range wanted {
		if !strings.Contains(all.String(), want) {
			t.Errorf("no step has %q", want)
		}
	}
	if adds != 1 {
		t.Errorf("%d steps add the column a", adds)
	}
}
