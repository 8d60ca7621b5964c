package prove

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/rules/tools/ruletest"
	"github.com/onward-sql/onward/onward"
)

// setsNumber reports whether statements set a sequence.
func setsNumber(statements []string) bool {
	return strings.Contains(strings.Join(statements, "\n"), "setval(")
}

// readPairs asks a query for names and values.
func (b *fixBench) readPairs(t *testing.T, query string) map[string]string {
	t.Helper()
	rows, err := b.o.Session().Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	var name, value string
	if _, err := pgx.ForEachRow(rows, []any{&name, &value}, func() error { out[name] = value; return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

const oursOnly = ` JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`

// readDetails lists what the definitions of objects leave out. A column counts with its type: of another type, it is another column.
const readDetails = `
SELECT format('column %s.%I %s', c.oid::regclass, a.attname, format_type(atttypid, atttypmod)), concat_ws(', ', 'statistics ' || nullif(a.attstattarget, -1),
	'storage ' || a.attstorage::text, 'acl ' || a.attacl::text, 'options ' || a.attoptions::text, 'comment ' || col_description(c.oid, a.attnum))
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'f')` + oursOnly + ` WHERE a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT format('%s %s', c.relkind, c.oid::regclass), concat_ws(', ', 'options ' || c.reloptions::text, 'acl ' || c.relacl::text,
	'comment ' || obj_description(c.oid, 'pg_class'), 'persistence ' || c.relpersistence::text,
	'tablespace ' || nullif(c.reltablespace, 0), 'valid ' || i.indisvalid)
FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid` + oursOnly + ` WHERE c.relkind IN ('r', 'p', 'f', 'i', 'I')
UNION ALL SELECT format('constraint %I on %s', conname, conrelid::regclass), concat_ws(', ', 'deferrable ' || condeferrable, 'deferred ' || condeferred,
	'comment ' || obj_description(k.oid, 'pg_constraint'))
FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid` + oursOnly + ` WHERE contype <> 'n'`

// readBehind lists the columns whose next number some row has.
const readBehind = `
WITH numbered AS MATERIALIZED (
SELECT c.oid::regclass::text AS tab, a.attname AS col, s.oid::regclass::text AS seq
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'` + oursOnly + `
JOIN pg_class s ON s.relkind = 'S' AND s.oid = coalesce(
	(SELECT objid FROM pg_depend WHERE deptype = 'i' AND classid = 'pg_class'::regclass AND refobjid = c.oid AND refobjsubid = a.attnum),
	(SELECT x.refobjid FROM pg_attrdef f JOIN pg_depend x ON x.classid = 'pg_attrdef'::regclass AND x.objid = f.oid AND x.refclassid = 'pg_class'::regclass
		JOIN pg_sequence q ON q.seqrelid = x.refobjid WHERE f.adrelid = c.oid AND f.adnum = a.attnum LIMIT 1))
WHERE a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype))
SELECT format('%s.%I', tab, col), seq FROM numbered WHERE (xpath('//behind/text()', query_to_xml(
	format('SELECT coalesce((SELECT max(%I) FROM %s), 0) > last_value AS behind FROM %s', col, tab, seq), false, false, '')))[1]::text = 'true'`

// decorate puts on every table what no migration of the example names.
const decorate = `
DO $decorate$
DECLARE what text;
BEGIN
  FOR what IN
    SELECT format('ALTER TABLE %s SET (fillfactor = 71, autovacuum_vacuum_scale_factor = 0.07)', c.oid::regclass) FROM pg_class c` + oursOnly + `
      WHERE c.relkind = 'r'
    UNION ALL SELECT format('ALTER INDEX %s SET (fillfactor = 61)', c.oid::regclass) FROM pg_class c` + oursOnly + `
      JOIN pg_am m ON m.oid = c.relam AND amname = 'btree' WHERE c.relkind = 'i'
    UNION ALL SELECT format('COMMENT ON TABLE %s IS %L', c.oid::regclass, 'about ' || c.relname) FROM pg_class c` + oursOnly + `
      WHERE c.relkind IN ('r', 'p')
    UNION ALL SELECT format('ALTER TABLE ONLY %1$s ALTER COLUMN %2$I SET STATISTICS 77;
      COMMENT ON COLUMN %1$s.%2$I IS %3$L; GRANT SELECT (%2$I) ON %1$s TO pg_monitor',
      c.oid::regclass, attname, 'about ' || attname) FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid` + oursOnly + `
      WHERE c.relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped AND attgenerated <> 'v'
    UNION ALL SELECT format('ALTER TABLE ONLY %s ALTER COLUMN %I SET STORAGE EXTERNAL', c.oid::regclass, attname)
      FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid` + oursOnly + `
      WHERE c.relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped AND attstorage = 'x'
  LOOP
    EXECUTE what;
  END LOOP;
END $decorate$`

// oddTables are the tables on which the statements of oddStatements are tried; % is the table.
var oddTables = map[string]struct{ name, schema string }{
	"plain":  {"t", "CREATE TABLE %" + oddColumns},
	"quoted": {`"My Shop"."Guest's ""list"""`, `CREATE SCHEMA "My Shop"; CREATE TABLE %` + oddColumns},
	"inherited": {"t", "CREATE TABLE parent (a int NOT NULL, b text COLLATE \"C\"); CREATE TABLE %" + oddColumns +
		" INHERITS (parent); CREATE TABLE child () INHERITS (%)"},
	"parent": {"t", "CREATE TABLE %" + oddColumns + "; CREATE TABLE child (extra int) INHERITS (%)"},
	"generated": {"t", "CREATE TABLE %" + strings.Replace(oddColumns, "n int",
		"n int, g int GENERATED ALWAYS AS (a + 1) STORED, i int GENERATED ALWAYS AS IDENTITY", 1)},
	"extension": {"t", "CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE TABLE %" +
		strings.Replace(oddColumns, `b text COLLATE "C"`, "b citext, h hstore", 1)},
	"partitions": {"t", "CREATE TABLE %" + oddColumns + " PARTITION BY RANGE (id);" +
		" CREATE TABLE t1 PARTITION OF % FOR VALUES FROM (0) TO (1000); CREATE TABLE \"T 2\" PARTITION OF % DEFAULT"},
	"foreign": {"t", "CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw; CREATE TABLE %" + oddColumns +
		" PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF % FOR VALUES FROM (0) TO (1000);" +
		" CREATE FOREIGN TABLE t2 PARTITION OF % FOR VALUES FROM (1000) TO (2000) SERVER files OPTIONS (filename '/dev/null', format 'csv')"},
}

const oddColumns = ` (id int NOT NULL, a int NOT NULL, b text COLLATE "C", at timestamp, n int)`

// oddStatements are changes with properties that a fix must keep.
var oddStatements = []string{
	`CREATE INDEX "By A" ON % (a DESC) WITH (fillfactor = 72) WHERE a > 0`,
	`CREATE INDEX by_b ON % (b COLLATE "POSIX" DESC NULLS LAST)`,
	`ALTER TABLE % ADD CONSTRAINT "U 1" UNIQUE (id) WITH (fillfactor = 73) DEFERRABLE INITIALLY DEFERRED`,
	`ALTER TABLE % ADD CONSTRAINT "Key" PRIMARY KEY (id) WITH (fillfactor = 74)`,
	`ALTER TABLE % ADD CONSTRAINT "Refers" FOREIGN KEY (n) REFERENCES others ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED`,
	`ALTER TABLE % ADD CONSTRAINT "A > 0" CHECK (a > 0)`,
	`ALTER TABLE % ALTER COLUMN n SET NOT NULL`,
	`ALTER TABLE % ADD COLUMN "New" int UNIQUE WITH (fillfactor = 75) DEFERRABLE`,
	`ALTER TABLE % ADD COLUMN "New" int REFERENCES others DEFERRABLE INITIALLY DEFERRED`,
	`ALTER TABLE % ADD COLUMN "New" int CHECK ("New" > 0)`,
	`ALTER TABLE % ALTER COLUMN a TYPE bigint`,
	`ALTER TABLE % ALTER COLUMN at TYPE timestamptz`,
	`DROP INDEX "My Index"`,
}

// tryOddObjects tries the fixes for statements on tables with odd properties.
func (b *fixBench) tryOddObjects(t *testing.T) {
	const sixth = 6
	b.odd = decorate
	defer func() { b.odd = "" }()
	type oddCase struct{ table, statement string }
	var cases []oddCase
	for _, name := range []string{"plain", "quoted", "inherited", "parent", "generated", "extension", "partitions", "foreign"} {
		for _, s := range oddStatements {
			cases = append(cases, oddCase{name, s})
		}
	}
	tried := 0
	for _, c := range rotation.Pick(t, sixth, cases) {
		if c.table == "foreign" && strings.Contains(c.statement, "TYPE") {
			continue // the fix fills a column, and the rows of a foreign partition are another server's
		}
		table := oddTables[c.table]
		before := "CREATE TABLE others (id int PRIMARY KEY);\n" + strings.ReplaceAll(strings.ReplaceAll(table.schema, "%", table.name), "; ", ";\n") + ";\n"
		if strings.Contains(c.statement, "My Index") {
			before += "CREATE INDEX \"My Index\" ON " + table.name + " (a);\n"
			if strings.Contains(table.name, ".") {
				c.statement = strings.Replace(c.statement, `"My Index"`, `"My Shop"."My Index"`, 1)
			}
		}
		statement := strings.ReplaceAll(c.statement, "%", table.name)
		f, err := ruletest.ParseFixture([]byte("# an odd table\n-- before.sql --\n" + before + "-- bad.sql --\n" + statement + ";\n"))
		if err != nil {
			t.Fatal(err)
		}
		ex := &f.Releases[0]
		ex.Name = c.table + ": " + c.statement
		findings, err := f.Run(recommended(), ex)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for i := range findings {
			if x := &findings[i]; x.Severity == onward.Error && !seen[x.Rule] {
				seen[x.Rule] = true
				for _, r := range rules.All() {
					if r.ID == x.Rule && !elsewhere[r.ID] {
						tried += b.tryFixes(t, proof{r, f}, ex, "plain SQL")
					}
				}
			}
		}
	}
	t.Log(fmt.Sprint(tried, " fixes tried"))
	if tried == 0 {
		t.Error("no fix was tried")
	}
}
