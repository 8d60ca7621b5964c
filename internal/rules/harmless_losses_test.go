package rules

import (
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
)

// harmlessSchema follows lossSchema: what is gone, off or revoked already.
const harmlessSchema = `CREATE ROLE gone;
DROP ROLE gone;
CREATE SERVER gs FOREIGN DATA WRAPPER w;
DROP SERVER gs;
ALTER TABLE people DISABLE RULE people_log;
CREATE POLICY r ON child AS RESTRICTIVE USING (true);
GRANT CONNECT ON DATABASE shop TO app;
CREATE ROLE idle;
REVOKE USAGE ON TYPE mood FROM PUBLIC;`

// TestHarmlessLossesAreSilent holds that what looks like a loss and takes nothing from deployed code has no finding: the release made it, it is
// gone already, or the transaction gives it again.
func TestHarmlessLossesAreSilent(t *testing.T) {
	t.Parallel()
	deployed := foldText(t, catalog.New(), lossSchema+harmlessSchema)
	for _, sql := range []string{
		"DROP ROLE IF EXISTS gone",
		"DROP SERVER IF EXISTS gs",
		"DROP SERVER IF EXISTS never",
		"DROP USER MAPPING IF EXISTS FOR app SERVER never",
		"DROP USER MAPPING IF EXISTS FOR staff SERVER far",
		"DROP SUBSCRIPTION IF EXISTS never",
		"DROP TEXT SEARCH DICTIONARY IF EXISTS never",
		"DROP CONVERSION IF EXISTS never",
		"DROP FOREIGN DATA WRAPPER IF EXISTS never",
		"CREATE ROLE n; GRANT staff TO n; REVOKE staff FROM n",
		"CREATE ROLE n; GRANT n TO app; REVOKE n FROM app",
		"CREATE ROLE n LOGIN; ALTER ROLE n RENAME TO m; ALTER ROLE m NOLOGIN; DROP ROLE m",
		"CREATE SERVER n FOREIGN DATA WRAPPER w; CREATE USER MAPPING FOR app SERVER n; ALTER SERVER n OPTIONS (SET host 'x'); " +
			"ALTER USER MAPPING FOR app SERVER n OPTIONS (SET user 'x'); DROP USER MAPPING FOR app SERVER n; DROP SERVER n",
		"CREATE TEXT SEARCH DICTIONARY n (TEMPLATE = simple); ALTER TEXT SEARCH DICTIONARY n (STOPWORDS = english); " +
			"ALTER TEXT SEARCH DICTIONARY n RENAME TO o; DROP TEXT SEARCH DICTIONARY o",
		"CREATE TEXT SEARCH CONFIGURATION n (COPY = simple); " +
			"ALTER TEXT SEARCH CONFIGURATION n ALTER MAPPING FOR word WITH simple; ALTER TEXT SEARCH CONFIGURATION n DROP MAPPING FOR word",
		"CREATE DATABASE d; REVOKE CONNECT ON DATABASE d FROM PUBLIC; " +
			"ALTER DATABASE d SET search_path = api; ALTER DATABASE d CONNECTION LIMIT 1; ALTER DATABASE d RENAME TO e",
		"REVOKE ALL ON DATABASE shop FROM PUBLIC",
		"REVOKE TEMPORARY ON DATABASE shop FROM PUBLIC",
		"REVOKE USAGE ON TYPE mood FROM PUBLIC",
		"CREATE TYPE n AS ENUM (); REVOKE USAGE ON TYPE n FROM PUBLIC",
		"CREATE EXTENSION citext; ALTER EXTENSION citext SET SCHEMA api",
		"ALTER TABLE people DISABLE RULE people_log",
		"DROP RULE people_log ON people",
		"DROP RULE IF EXISTS never ON people",
		"DROP POLICY r ON child",
		"DROP POLICY IF EXISTS never ON people",
		"ALTER TABLE child DISABLE ROW LEVEL SECURITY",
		"ALTER TABLE child NO FORCE ROW LEVEL SECURITY",
		"REVOKE staff FROM idle",
		"ALTER ROLE staff NOLOGIN",
		"ALTER GROUP staff DROP USER idle",
		"REVOKE app FROM staff",
		"GRANT app TO idle; REVOKE app FROM idle",
		"GRANT idle TO stranger; REVOKE idle FROM stranger",
		"GRANT DELETE ON people TO app; REVOKE DELETE ON people FROM app",
		"GRANT SELECT (a) ON child TO app; REVOKE SELECT (a) ON child FROM app",
		"GRANT SELECT ON v TO PUBLIC; REVOKE SELECT ON v FROM PUBLIC",
		"GRANT USAGE ON SCHEMA api TO idle; REVOKE USAGE ON SCHEMA api FROM idle",
		"GRANT EXECUTE ON PROCEDURE work() TO idle; REVOKE EXECUTE ON PROCEDURE work() FROM idle",
		"GRANT USAGE ON FOREIGN SERVER far TO idle; REVOKE USAGE ON FOREIGN SERVER far FROM idle",
		"DROP ROLE IF EXISTS never",
		"ALTER ROLE app RESET work_mem",
		"ALTER ROLE idle RESET ALL",
		"ALTER DATABASE shop RESET ALL",
		"ALTER DATABASE shop RESET search_path",
		"BEGIN; REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC; GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC; COMMIT",
		"BEGIN; REVOKE USAGE ON FOREIGN SERVER far FROM app; GRANT USAGE ON FOREIGN SERVER far TO app; COMMIT",
		"BEGIN; REVOKE CONNECT ON DATABASE shop FROM PUBLIC; GRANT CONNECT ON DATABASE shop TO PUBLIC; COMMIT",
		"BEGIN; DROP ROLE staff; CREATE ROLE staff; COMMIT",
		"BEGIN; DROP SERVER far CASCADE; CREATE SERVER far FOREIGN DATA WRAPPER w; COMMIT",
		"BEGIN; DROP ROLE staff; ROLLBACK",
	} {
		if found := judgeLoss(t, deployed, sql); len(found) > 0 {
			t.Errorf("%s: found %q", sql, found)
		}
	}
}
