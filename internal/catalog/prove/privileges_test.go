package prove

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// A REVOKE of one privilege after GRANT ALL leaves each of the others, as the server has them.
func TestGrantAllAndRevoke(t *testing.T) {
	t.Parallel()
	const role = "onward_app"
	scripts := []string{
		"GRANT ALL ON t TO onward_app",
		"GRANT ALL ON t TO onward_app; REVOKE INSERT ON t FROM onward_app",
		"GRANT ALL ON t TO onward_app; REVOKE INSERT, DELETE ON t FROM onward_app; GRANT DELETE ON t TO onward_app",
		"GRANT SELECT ON t TO onward_app; GRANT ALL ON t TO onward_app; REVOKE SELECT ON t FROM onward_app",
		"GRANT ALL ON t TO onward_app; REVOKE SELECT (a) ON t FROM onward_app",
		"GRANT ALL (a, b) ON t TO onward_app; REVOKE SELECT (a) ON t FROM onward_app",
		"GRANT ALL (a, b) ON t TO onward_app; REVOKE UPDATE ON t FROM onward_app",
		"GRANT ALL (a, b) ON t TO onward_app; REVOKE ALL (b) ON t FROM onward_app",
		"GRANT SELECT (a, b), UPDATE (a) ON t TO onward_app; REVOKE ALL ON t FROM onward_app",
		"GRANT SELECT (a, b) ON t TO onward_app; REVOKE DELETE ON t FROM onward_app",
		"GRANT ALL ON s TO onward_app; REVOKE USAGE ON SEQUENCE s FROM onward_app",
		"GRANT ALL ON SEQUENCE s TO onward_app; REVOKE SELECT ON SEQUENCE s FROM onward_app",
		"GRANT ALL ON v TO onward_app; REVOKE UPDATE ON v FROM onward_app",
		"GRANT ALL ON SCHEMA z TO onward_app; REVOKE CREATE ON SCHEMA z FROM onward_app",
		"GRANT ALL ON FUNCTION f() TO onward_app; REVOKE EXECUTE ON FUNCTION f() FROM onward_app",
		"GRANT ALL ON ALL TABLES IN SCHEMA public TO onward_app; REVOKE INSERT ON ALL TABLES IN SCHEMA public FROM onward_app",
		"ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO onward_app; ALTER DEFAULT PRIVILEGES REVOKE INSERT ON TABLES FROM onward_app",
		"ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT ON TABLES TO onward_app; ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM onward_app",
		"ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO onward_app; ALTER DEFAULT PRIVILEGES REVOKE USAGE ON SEQUENCES FROM onward_app",
	}
	const start = "CREATE TABLE t (a int, b int); CREATE SEQUENCE s; CREATE VIEW v AS SELECT 1 AS a; CREATE SCHEMA z; " +
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		for _, script := range scripts {
			_, conn := pgservertest.ConnectNew(t, major,
				"DO $$ BEGIN CREATE ROLE onward_app; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$", start, script)
			want := pgservertest.ReadTexts(t, conn, `
SELECT x.object || ' ' || lower(a.privilege_type) FROM (
	SELECT relname::text, relacl FROM pg_class WHERE relname IN ('t', 's', 'v')
	UNION ALL SELECT c.relname || '.' || attname, attacl FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE c.relname = 't'
	UNION ALL SELECT nspname, nspacl FROM pg_namespace WHERE nspname = 'z'
	UNION ALL SELECT proname, proacl FROM pg_proc WHERE proname = 'f'
	UNION ALL SELECT 'default ' || defaclobjtype::text, defaclacl FROM pg_default_acl
) AS x (object, acl), aclexplode(x.acl) a WHERE a.grantee = $1::regrole`, role)
			got := listPrivileges(t, start+"; "+script, role, major)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
				t.Errorf("%s (-server +catalog):\n%s", script, diff)
			}
		}
	})
}

// listPrivileges returns what a role may do after a script, as the catalog has it.
func listPrivileges(t *testing.T, script, role string, major int) []string {
	t.Helper()
	c := applyScript(t, script)
	var out []string
	add := func(object string, grants []catalog.Grant, kind pgparse.ObjectType) {
		for _, g := range grants {
			word, columns, ofColumns := strings.Cut(strings.TrimSuffix(g.Privilege, ")"), " (")
			all, places := catalog.ListPrivileges(kind), []string{object}
			if ofColumns {
				all, places = []string{"select", "insert", "update", "references"}, nil
				for column := range strings.SplitSeq(columns, ", ") {
					places = append(places, object+"."+column)
				}
			}
			if word != "all" {
				all = []string{word}
			}
			for _, privilege := range all {
				for _, place := range places {
					if line := place + " " + privilege; g.Role == role && (privilege != "maintain" || major >= 17) && !slices.Contains(out, line) {
						out = append(out, line)
					}
				}
			}
		}
	}
	for name, kind := range map[string]pgparse.ObjectType{
		"t": pgparse.ObjectType_OBJECT_TABLE, "v": pgparse.ObjectType_OBJECT_TABLE, "s": pgparse.ObjectType_OBJECT_SEQUENCE,
	} {
		add(name, c.Lookup("public", name).Grants, kind)
	}
	add("z", c.Object("schema", catalog.Name{Name: "z"}).Grants, pgparse.ObjectType_OBJECT_SCHEMA)
	add("f", c.Functions("public", "f")[0].Grants, pgparse.ObjectType_OBJECT_FUNCTION)
	if o := c.Object("default privileges", catalog.Name{Name: "default privileges"}); o != nil {
		for _, g := range o.Grants {
			word, class, _ := strings.Cut(g.Privilege, " on ")
			kind, letter := pgparse.ObjectType_OBJECT_TABLE, "r"
			if class == "sequences" {
				kind, letter = pgparse.ObjectType_OBJECT_SEQUENCE, "S"
			}
			add("default "+letter, []catalog.Grant{{Role: g.Role, Privilege: word}}, kind)
		}
	}
	slices.Sort(out)
	return out
}

// applyScript returns the catalog after a script.
func applyScript(t *testing.T, script string) *catalog.Catalog {
	t.Helper()
	file, err := pgparse.SplitText(script)
	if err != nil {
		t.Fatal(err)
	}
	c := catalog.New()
	for _, s := range file.Stmts {
		c, _ = c.Apply(s.Node, file.Src[s.Start:s.End])
	}
	return c
}
