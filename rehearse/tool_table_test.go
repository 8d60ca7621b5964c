package rehearse_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// A migration may change its tool's own table. Two tools have a table of one name with different columns.
func TestTableOfTool(t *testing.T) {
	t.Parallel()
	const key = "ALTER TABLE migrations ADD PRIMARY KEY (version);\n"
	r, h := rehearsed(t, on(gittest.Commits(t, map[string]string{
		"go.mod": "module m\n\nrequire maragu.dev/migrate v0.6.0\n", "db/migrations/0_key.up.sql": key, "db/migrations/1_a.up.sql": "CREATE TABLE a (id bigint);\n",
	}, map[string]string{"db/migrations/2_b.up.sql": "ALTER TABLE migrations DROP CONSTRAINT migrations_pkey;\n" + key})))
	requireSilence(t, r)
	if len(h.Statements) != 2 || h.Statements[1].Failed != nil {
		t.Errorf("the rehearsal ran %+v, want two statements, the second without an error", h.Statements)
	}
}
