package plan_test

import (
	"strings"
	"testing"
)

// TestRefusedRows plans with made-up rows that a trigger of the table refuses: some of them, or all.
func TestRefusedRows(t *testing.T) {
	t.Parallel()
	const judged = `CREATE TABLE judged (id bigint PRIMARY KEY, twice bigint GENERATED ALWAYS AS (id * 2) STORED, size integer NOT NULL, note text NOT NULL);
CREATE FUNCTION judge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF %s THEN RAISE EXCEPTION 'no' USING ERRCODE = '23514'; END IF; RETURN NEW; END $$;
CREATE TRIGGER judge BEFORE INSERT OR UPDATE ON judged FOR EACH ROW EXECUTE FUNCTION judge();`
	const change = "ALTER TABLE judged ALTER COLUMN size TYPE bigint;"
	for name, c := range map[string]struct {
		refuses, base, change, uncompared string
	}{
		"some": {"NEW.id % 2 = 0", "", change, ""},
		"at commit": {
			"NEW.id % 2 = 0", "DROP TRIGGER judge ON judged; CREATE CONSTRAINT TRIGGER judge AFTER UPDATE ON judged DEFERRABLE INITIALLY DEFERRED " +
				"FOR EACH ROW EXECUTE FUNCTION judge();", change, "",
		},
		"all": {"NEW.note <> 'x y z'", "", change, "triggers refuse all made-up rows of public.judged"},
		"all of another table": {
			"NEW.note <> 'x y z'", "CREATE TABLE other (id bigint PRIMARY KEY, size integer);", "ALTER TABLE other ALTER COLUMN size TYPE bigint;", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := planned(t, strings.Replace(judged, "%s", c.refuses, 1)+c.base, c.change, 16, nil, true)
			if !p.Proof.Proven || p.Proof.Rows != c.uncompared {
				t.Errorf("proven: %v; rows are not compared because %q, not %q:\n%s", p.Proof.Proven, p.Proof.Rows, c.uncompared, told(p))
			}
		})
	}
}
