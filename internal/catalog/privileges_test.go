package catalog_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/acl"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// A block that sets privileges leaves the schema known. Any other block may change everything.
func TestBlockOfPrivileges(t *testing.T) {
	t.Parallel()
	for sql, known := range map[string]bool{
		acl.SetOwnerAlone(acl.Relation, "t"):                       true,
		acl.SetLike(acl.Relation, "t", "u"):                        true,
		acl.SetOwnerAlone(acl.Relation, "t") + " LANGUAGE plpgsql": false,
		"DO $$ BEGIN EXECUTE 'DROP TABLE t'; END $$":               false,
	} {
		file, err := pgparse.SplitText(sql)
		if err != nil || len(file.Stmts) != 1 {
			t.Fatalf("parse %q as one statement: %v", sql, err)
		}
		after, problems := catalog.New().Apply(file.Stmts[0].Node, sql)
		if got := after.Unmodelled == nil; got != known || len(problems) > 0 {
			t.Errorf("known is %t, want %t; %v: %s", got, known, problems, sql)
		}
	}
}
