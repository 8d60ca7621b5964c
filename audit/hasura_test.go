package audit

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/onward"
)

// A column that Hasura's metadata lists is in the queries that it generates. Other columns are not.
func TestHasuraMetadata(t *testing.T) {
	t.Parallel()
	const base = `
-- api/config.yaml --
version: 3
metadata_directory: metadata
migrations_directory: migrations
-- api/migrations/default/1_start/up.sql --
CREATE TABLE walks (id bigint PRIMARY KEY, guide_id bigint, mood text);
-- api/metadata/databases/default/tables/public_walks.yaml --
table:
  name: walks
  schema: public
select_permissions:
  - role: guest
    permission:
      columns:
        - id
        - guide_id
      filter: {}
`
	for change, want := range map[string]string{
		"ALTER TABLE walks DROP COLUMN guide_id;":             "column-drop",
		"ALTER TABLE walks RENAME COLUMN guide_id TO leader;": "column-rename",
		"ALTER TABLE walks DROP COLUMN mood;":                 "",
	} {
		r := changelog0(t, Config{Dir: repository(t, base, "\n-- api/migrations/default/2_next/up.sql --\n"+change+"\n"), Base: "main"})
		var found []string
		for _, f := range r.Findings {
			if f.Severity == onward.Error {
				if found = append(found, f.Rule); !strings.Contains(f.Harm, "public_walks.yaml:9") {
					t.Errorf("%s: the harm is %q, want public_walks.yaml:9 in it", change, f.Harm)
				}
			}
		}
		if got := strings.Join(found, " "); got != want {
			t.Errorf("%s: %q, want %q", change, got, want)
		}
	}
}
