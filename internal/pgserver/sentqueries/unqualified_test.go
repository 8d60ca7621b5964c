package sentqueries_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/sentqueries"
)

func TestUnqualified(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"SELECT oid FROM pg_catalog.pg_class WHERE relkind OPERATOR(pg_catalog.=) 'r'::pg_catalog.\"char\" AND relpages OPERATOR(pg_catalog.=) ANY ($1) ORDER BY " +
			"oid": "",
		"WITH x AS (SELECT 1::integer AS a) SELECT CAST(a AS double precision), COALESCE(a, 0), a IS NULL, CURRENT_USER FROM x": "",
		"DO $$ DECLARE x pg_catalog.text; BEGIN x := pg_catalog.concat('a', 'b'); EXECUTE x; END $$":                            "",
		"SET LOCAL lock_timeout = '5s'; CREATE SCHEMA x; ALTER DATABASE a OWNER TO b":                                           "",
		"CREATE FUNCTION a.f() RETURNS boolean LANGUAGE sql SET search_path = pg_catalog AS 'SELECT now() > now()'":             "",
		"SELECT 1 FROM pg_class":                           "relation pg_class",
		"SELECT now()":                                     "function now",
		"SELECT $1::text":                                  "type text",
		"SELECT 'a' COLLATE \"C\"":                         "collation C",
		"SELECT 1 = 2":                                     "operator = OP",
		"SELECT $1 IN (1, 2)":                              "operator = IN",
		"SELECT $1 = ANY ($2)":                             "operator = OP_ANY",
		"SELECT $1 LIKE 'a'":                               "operator ~~ LIKE",
		"SELECT $1 BETWEEN 1 AND 2":                        "operator BETWEEN BETWEEN",
		"SELECT $1 IS DISTINCT FROM 2":                     "operator = DISTINCT",
		"SELECT NULLIF($1, '')":                            "operator = NULLIF",
		"SELECT CASE $1 WHEN 1 THEN 2 END":                 "operator = of CASE … WHEN",
		"SELECT $1 IN (SELECT 1)":                          "operator of IN or ANY (SELECT …)",
		"SELECT 1 FROM a.b JOIN a.c USING (d)":             "operator = of JOIN … USING",
		"SELECT 1 FROM a.b ORDER BY 1 USING <":             "operator of ORDER BY … USING",
		"DO $$ BEGIN IF 1 > 2 THEN RETURN; END IF; END $$": "operator > OP",
		"DO $$ BEGIN PERFORM now(); END $$":                "function now",
		"CREATE FUNCTION a.f() RETURNS boolean LANGUAGE sql AS 'SELECT now() > now()'": "the path of function f",
	} {
		if got := strings.Join(sentqueries.Unqualified(sql), ", "); got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}
