package audit

import (
	"strings"
	"testing"
)

// What is advised is all of the way, and goes on from where the schema stands.
func TestAdvice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{"schema.sql": "CREATE TABLE t (email text, name text);\nALTER TABLE t ADD CONSTRAINT email_there CHECK (email IS NOT NULL) NOT VALID;"})
	for _, tt := range []struct{ sql, rule, want, unwanted string }{
		{"ALTER TABLE t ADD COLUMN id bigserial PRIMARY KEY", "column-add-serial", "ADD CONSTRAINT t_pkey PRIMARY KEY USING INDEX t_pkey;", ""},
		{"ALTER TABLE t ADD COLUMN id bigserial", "column-add-serial", "SET DEFAULT nextval('t_id_seq');", "USING INDEX"},
		{"ALTER TABLE t ALTER COLUMN email SET NOT NULL", "column-set-not-null-scan", "VALIDATE CONSTRAINT email_there;\nALTER TABLE t ALTER COLUMN email SET NOT NULL;", "ADD CONSTRAINT"},
		{"ALTER TABLE t ALTER COLUMN email SET NOT NULL, ALTER COLUMN name SET NOT NULL", "column-set-not-null-scan", "ADD CONSTRAINT", "email_there"},
	} {
		write(t, dir, map[string]string{"1.sql": tt.sql + ";"})
		said := ""
		for _, f := range check(t, CheckConfig{Dir: dir, Paths: []string{"1.sql"}, Deployed: Deployed{Schema: dir + "/schema.sql"}}).Findings {
			if f.Rule == tt.rule {
				said = f.Instead
			}
		}
		if !strings.Contains(said, tt.want) || tt.unwanted != "" && strings.Contains(said, tt.unwanted) {
			t.Errorf("%s: want %q without %q:\n%s", tt.sql, tt.want, tt.unwanted, said)
		}
	}
}
