package liquibase

import "testing"

// Liquibase's observed treatment of bodies (TestLiquibaseOnServer).
func TestLiquibaseCutsBodies(t *testing.T) {
	t.Parallel()
	for sql, cut := range map[string]bool{
		"DO $$ BEGIN PERFORM 1; END $$;":                                                         false,
		"DO $$ BEGIN PERFORM 1; END; $$;":                                                        true,
		"DO $$ BEGIN IF true THEN PERFORM 1; END IF; PERFORM 2; END $$;":                         true,
		"DO $$ DECLARE x int; BEGIN PERFORM 1; END $$;":                                          true,
		"DO $$\nbegin\n  perform 1;\n  begin perform 2; end;\n perform 3;\nend\n$$;":             false,
		"DO $$ BEGIN PERFORM CASE WHEN true THEN 1 ELSE 2 END; PERFORM 3; END $$":                true,
		"CREATE FUNCTION f() RETURNS trigger AS $b$ BEGIN RETURN new; END; $b$ LANGUAGE plpgsql": true,
		"CREATE FUNCTION f() RETURNS trigger AS $b$ BEGIN RETURN new; END $b$ LANGUAGE plpgsql;": false,
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$; SELECT 2;":              false,
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$":                        true,
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS ' SELECT 1; SELECT 2; '":                false,
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END;":               false,
		"SELECT 1; -- $$;\nSELECT 2;":                                                            false,
		"SELECT $1; SELECT '$$;';":                                                               false,
	} {
		if got := indexBodyCut(sql) >= 0; got != cut {
			t.Errorf("%s: cut %v", sql, got)
		}
	}
}
