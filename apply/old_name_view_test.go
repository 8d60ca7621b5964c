package apply_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// What an administrator gives to a renamed table's old name, or takes from it, is refused before the view goes, at the contract and at an abort,
// until the table has the same.
func TestOldNameLosesNothing(t *testing.T) {
	t.Parallel()
	const base = `CREATE TABLE parcels (id bigint PRIMARY KEY, note text);`
	p := planned(t, base, `ALTER TABLE parcels RENAME TO packages;`)
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		for _, aborts := range []bool{false, true} {
			url := pgservertest.Database(t, major)
			role := makeRoles(t, url, "reader")
			run(t, url, base, role("GRANT DELETE ON parcels TO @reader"))
			runPlan(t, apply.Config{DB: url, Plan: p})
			end := func() error {
				if aborts {
					_, err := apply.Abort(t.Context(), apply.Config{DB: url}, "")
					return err
				}
				_, err := apply.Run(t.Context(), apply.Config{DB: url, Plan: p, Through: onward.Contract})
				return err
			}
			for _, c := range []struct{ make, undo, want string }{
				{"GRANT SELECT ON parcels TO PUBLIC", "REVOKE SELECT ON parcels FROM PUBLIC", "privilege SELECT to PUBLIC of the view parcels would go with it"},
				{"GRANT UPDATE (note) ON parcels TO @reader", "REVOKE UPDATE (note) ON parcels FROM @reader", "privilege UPDATE (note) to @reader of the view"},
				{"REVOKE DELETE ON parcels FROM @reader", "GRANT DELETE ON parcels TO @reader", "privilege DELETE to @reader is missing on the view parcels only"},
				{"COMMENT ON VIEW parcels IS 'x'", "COMMENT ON VIEW parcels IS NULL", "comment of the view parcels would go with it"},
				{"COMMENT ON COLUMN parcels.note IS 'x'", "COMMENT ON COLUMN parcels.note IS NULL", "comment note of the view parcels"},
				{"ALTER VIEW parcels ALTER note SET DEFAULT 'y'", "ALTER VIEW parcels ALTER note DROP DEFAULT", "default note of the view parcels"},
				{"ALTER VIEW parcels SET (security_barrier)", "ALTER VIEW parcels RESET (security_barrier)", "settings of the view parcels"},
				{"CREATE RULE x AS ON DELETE TO parcels DO ALSO NOTHING", "DROP RULE x ON parcels", "rule x of the view parcels"},
				{"CREATE VIEW x AS SELECT note FROM parcels", "DROP VIEW x", "view x of the view parcels"},
			} {
				run(t, url, role(c.make))
				if refused, err := new(apply.RefusedError), end(); !errors.As(err, &refused) || !strings.Contains(err.Error(), role(c.want)) {
					t.Errorf("Postgres %d, abort %v: %s: %v", major, aborts, role(c.make), err)
				}
				run(t, url, role(c.undo))
			}
			run(t, url, role("GRANT SELECT ON parcels, packages TO PUBLIC; REVOKE DELETE ON parcels, packages FROM @reader"))
			if err := end(); err != nil {
				t.Fatal(err)
			}
			const grants = `SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END || ' ' || privilege_type
				FROM pg_class, aclexplode(relacl) WHERE relname IN ('parcels', 'packages') AND grantee <> relowner`
			if diff := cmp.Diff([]string{"PUBLIC SELECT"}, content(t, url, grants)); diff != "" {
				t.Errorf("Postgres %d, abort %v (-want +got):\n%s", major, aborts, diff)
			}
		}
	})
}
