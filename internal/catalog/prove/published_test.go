package prove

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// TestPublishedIdentity crosses replica identities with publications. UPDATE and DELETE of no rows must be refused on the server exactly
// where the catalog says so, for the reason that it gives.
func TestPublishedIdentity(t *testing.T) {
	t.Parallel()
	const columns, generated = "CREATE TABLE o (id bigint NOT NULL, s text NOT NULL, n int", ", g bigint NOT NULL GENERATED ALWAYS AS (id * 2) STORED"
	const partitioned = columns + ", PRIMARY KEY (id)) PARTITION BY RANGE (id); CREATE TABLE o_1 (junk int, n int, s text NOT NULL, id bigint NOT NULL); " +
		"ALTER TABLE o_1 DROP COLUMN junk; ALTER TABLE o ATTACH PARTITION o_1 FOR VALUES FROM (0) TO (10)"
	tables := []string{
		columns + ")",
		columns + ", PRIMARY KEY (id))",
		columns + ", PRIMARY KEY (id) DEFERRABLE)",
		columns + ", PRIMARY KEY (id) INCLUDE (n))",
		columns + ", PRIMARY KEY (id, s))",
		columns + ", PRIMARY KEY (id)); ALTER TABLE o REPLICA IDENTITY FULL",
		columns + ", PRIMARY KEY (id)); ALTER TABLE o REPLICA IDENTITY NOTHING",
		columns + ", PRIMARY KEY (id), CONSTRAINT u UNIQUE (s)); ALTER TABLE o REPLICA IDENTITY USING INDEX u",
		columns + ", PRIMARY KEY (id), CONSTRAINT u UNIQUE (s)); ALTER TABLE o REPLICA IDENTITY USING INDEX u; ALTER TABLE o DROP CONSTRAINT u",
		columns + generated + ", PRIMARY KEY (id))",
		columns + generated + ", PRIMARY KEY (g))",
		columns + generated + "); ALTER TABLE o REPLICA IDENTITY FULL",
		columns + "); ALTER TABLE o REPLICA IDENTITY FULL; ALTER TABLE o ADD COLUMN g bigint GENERATED ALWAYS AS (id * 2) VIRTUAL",
		columns + "); ALTER TABLE o SET UNLOGGED",
		partitioned,
		partitioned + "; ALTER TABLE o_1 REPLICA IDENTITY FULL",
		partitioned + "; ALTER TABLE o REPLICA IDENTITY FULL",
		"CREATE TABLE base (id bigint PRIMARY KEY, s text, n int); CREATE TABLE o (PRIMARY KEY (id)) INHERITS (base)",
	}
	const root = " WITH (publish_via_partition_root)"
	publications := []string{
		"FOR TABLE o", "FOR ALL TABLES", "FOR TABLES IN SCHEMA public", "FOR TABLE o (id)", "FOR TABLE o (s)", "FOR TABLE o (id, s, n)", "FOR TABLE o (n, g)",
		"FOR TABLE o WHERE (id > 1)", "FOR TABLE o WHERE (s = 'a')", "FOR TABLE o WHERE (n = 1)", "FOR TABLE o WHERE (true)", "FOR TABLE o (id) WHERE (s = 'a')",
		"FOR TABLES IN SCHEMA public, TABLE o WHERE (n = 1)", "FOR TABLE o WHERE (s = 'a') WITH (publish = 'insert')",
		"FOR TABLE o WHERE (s = 'a') WITH (publish = 'insert, update')", "FOR TABLE o (s) WITH (publish = 'delete')",
		"FOR ALL TABLES WITH (publish_generated_columns = stored)", "FOR TABLE o WITH (publish_generated_columns = stored)",
		"FOR TABLE o (s); CREATE PUBLICATION q FOR ALL TABLES", "FOR TABLE o (s) WITH (publish = 'delete'); CREATE PUBLICATION q FOR TABLE o WHERE (n = 1)",
		"FOR TABLE o (id)" + root, "FOR TABLE o (s)" + root, "FOR TABLE o WHERE (n = 1)" + root, "FOR TABLE o, TABLE o_1 (s)" + root, "FOR TABLE o, TABLE o_1 (s)",
		"FOR TABLE o_1 WHERE (s = 'a')" + root, "FOR TABLE base (s)", "FOR TABLE ONLY base (s)", "FOR TABLE base WHERE (n = 1)",
		"FOR TABLE o (s); ALTER PUBLICATION p SET TABLE o (id)", "FOR TABLE o; ALTER PUBLICATION p SET (publish_generated_columns = stored)",
		"WITH (publish = 'insert'); ALTER PUBLICATION p ADD TABLE o (s); ALTER PUBLICATION p SET (publish = 'update')",
	}
	reasons := map[string]catalog.IdentityReason{
		"Column used in the publication WHERE expression is not part of the replica identity.": catalog.FilterOutside,
		"Column list used by the publication does not cover the replica identity.":             catalog.IdentityUnsent,
		"Replica identity must not contain unpublished generated columns.":                     catalog.GeneratedUnsent,
	}
	pgservertest.EachProofMajor(t, func(t *testing.T, major int) {
		_, conn := pgservertest.ConnectNew(t, major)
		compared := 0
		for _, table := range tables {
			for _, publication := range publications {
				script := table + "; CREATE PUBLICATION p " + publication
				for action, sql := range map[string]string{"update": "UPDATE o SET n = 1", "delete": "DELETE FROM o"} {
					if _, err := conn.Exec(t.Context(), "BEGIN; "+script); err == nil {
						want := catalog.IdentityReason(0)
						var refused *pgconn.PgError
						if _, err := conn.Exec(t.Context(), sql); errors.As(err, &refused) {
							if want = reasons[refused.Detail]; strings.Contains(refused.Message, "does not have a replica identity") {
								want = catalog.IdentityMissing
							}
							if want == 0 || (want == catalog.IdentityMissing) != (refused.Code == "55000") {
								t.Errorf("Postgres %d: %s; %s: %s %v", major, script, sql, refused.Code, err)
							}
						}
						c := applyScript(t, script)
						var got catalog.IdentityReason
						if fault := c.FindIdentityFault(c.Lookup("public", "o"), action, func() bool { return major >= 18 }); fault != nil {
							got = fault.Reason
						}
						if got == catalog.IdentityUnsent && want == catalog.GeneratedUnsent && strings.Contains(publication, " q ") {
							got = want // 18 keeps the last publication's reason
						}
						if got != want {
							t.Errorf("Postgres %d: %s; %s: server %d, catalog %d", major, script, sql, want, got)
						}
						compared++
					}
					if _, err := conn.Exec(t.Context(), "ROLLBACK"); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if compared < 60 {
			t.Errorf("Postgres %d accepts only %d of the scripts", major, compared)
		}
	})
}
