package plan_test

import (
	"cmp"
	"fmt"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/plan"
)

// repeated is a construct that can have any number of parts: before, the parts with their numbers in place of #, and after.
type repeated struct {
	before, part, separator, after string
	exception
}

// exception is what a construct may cost instead of mostGrowth, and in how many parts it is measured first; 0 is as usual.
type exception struct {
	limit  float64
	few    int
	reason string
}

// mostGrowth is what twice as many parts may cost in bytes and in allocations: 2 is linear, 4 the square.
const mostGrowth = 2.6

// write writes the construct with n parts.
func (r *repeated) write(n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = strings.ReplaceAll(r.part, "#", strconv.Itoa(i))
	}
	return r.before + strings.Join(parts, r.separator) + r.after
}

// alterCommands has the commands of ALTER TABLE by their names in the parser.
var alterCommands = map[string]string{
	"AT_AddColumn": "ADD COLUMN n# int", "AT_ColumnDefault": "ALTER COLUMN c# SET DEFAULT 1", "AT_DropNotNull": "ALTER COLUMN c# DROP NOT NULL",
	"AT_SetNotNull": "ALTER COLUMN c# SET NOT NULL", "AT_SetExpression": "ALTER COLUMN c# SET EXPRESSION AS (id + #)",
	"AT_DropExpression": "ALTER COLUMN c# DROP EXPRESSION", "AT_SetStatistics": "ALTER COLUMN c# SET STATISTICS 10",
	"AT_SetOptions": "ALTER COLUMN c# SET (n_distinct = 5)", "AT_ResetOptions": "ALTER COLUMN c# RESET (n_distinct)",
	"AT_SetStorage": "ALTER COLUMN c# SET STORAGE PLAIN", "AT_SetCompression": "ALTER COLUMN c# SET COMPRESSION pglz",
	"AT_DropColumn": "DROP COLUMN c#", "AT_AddConstraint": "ADD CONSTRAINT k# CHECK (id > #)", "AT_AlterConstraint": "ALTER CONSTRAINT f# DEFERRABLE",
	"AT_ValidateConstraint": "VALIDATE CONSTRAINT v#", "AT_DropConstraint": "DROP CONSTRAINT v#", "AT_AlterColumnType": "ALTER COLUMN c# TYPE bigint",
	"AT_AlterColumnGenericOptions": "ALTER COLUMN c# OPTIONS (SET a 'b#')", "AT_ChangeOwner": "OWNER TO r#", "AT_ClusterOn": "CLUSTER ON i#",
	"AT_DropCluster": "SET WITHOUT CLUSTER", "AT_SetLogged": "SET LOGGED", "AT_SetUnLogged": "SET UNLOGGED", "AT_DropOids": "SET WITHOUT OIDS",
	"AT_SetAccessMethod": "SET ACCESS METHOD heap", "AT_SetTableSpace": "SET TABLESPACE s#", "AT_SetRelOptions": "SET (fillfactor = 50)",
	"AT_ResetRelOptions": "RESET (fillfactor)", "AT_EnableTrig": "ENABLE TRIGGER t#", "AT_EnableAlwaysTrig": "ENABLE ALWAYS TRIGGER t#",
	"AT_EnableReplicaTrig": "ENABLE REPLICA TRIGGER t#", "AT_DisableTrig": "DISABLE TRIGGER t#", "AT_EnableTrigAll": "ENABLE TRIGGER ALL",
	"AT_DisableTrigAll": "DISABLE TRIGGER ALL", "AT_EnableTrigUser": "ENABLE TRIGGER USER", "AT_DisableTrigUser": "DISABLE TRIGGER USER",
	"AT_EnableRule": "ENABLE RULE r#", "AT_EnableAlwaysRule": "ENABLE ALWAYS RULE r#", "AT_EnableReplicaRule": "ENABLE REPLICA RULE r#",
	"AT_DisableRule": "DISABLE RULE r#", "AT_AddInherit": "INHERIT p#", "AT_DropInherit": "NO INHERIT p#", "AT_AddOf": "OF y#", "AT_DropOf": "NOT OF",
	"AT_ReplicaIdentity": "REPLICA IDENTITY USING INDEX i#", "AT_EnableRowSecurity": "ENABLE ROW LEVEL SECURITY",
	"AT_DisableRowSecurity": "DISABLE ROW LEVEL SECURITY", "AT_ForceRowSecurity": "FORCE ROW LEVEL SECURITY",
	"AT_NoForceRowSecurity": "NO FORCE ROW LEVEL SECURITY", "AT_GenericOptions": "OPTIONS (ADD a# 'b')",
	"AT_AddIdentity": "ALTER COLUMN c# ADD GENERATED ALWAYS AS IDENTITY", "AT_SetIdentity": "ALTER COLUMN c# SET GENERATED ALWAYS",
	"AT_DropIdentity": "ALTER COLUMN c# DROP IDENTITY",
	// Each other form of a constraint.
	"unnamed check": "ADD CHECK (id > #)", "check not valid": "ADD CONSTRAINT k# CHECK (id > #) NOT VALID", "unique": "ADD CONSTRAINT k# UNIQUE (id, c#)",
	"exclusion": "ADD CONSTRAINT k# EXCLUDE USING gist (c# WITH =)", "foreign key": "ADD CONSTRAINT k# FOREIGN KEY (c#) REFERENCES small (id)",
	"unnamed foreign key": "ADD FOREIGN KEY (c#) REFERENCES small (id) NOT VALID",
	"default with check":  "ADD COLUMN n# int NOT NULL DEFAULT # CHECK (n# > 0)",
}

// notWritten are commands that the server makes, and those that stand alone in a statement.
var notWritten = []string{
	"ALTER_TABLE_TYPE_UNDEFINED", "AT_AddColumnToView", "AT_CookedColumnDefault", "AT_AddIndex", "AT_ReAddIndex", "AT_ReAddConstraint", "AT_ReAddDomainConstraint",
	"AT_AddIndexConstraint",
	"AT_ReAddComment", "AT_ReplaceRelOptions", "AT_AttachPartition", "AT_DetachPartition", "AT_DetachPartitionFinalize", "AT_ReAddStatistics",
}

// constructs are all that is doubled.
func constructs(t *testing.T) map[string]repeated {
	all := map[string]repeated{
		"columns":              {before: "CREATE TABLE n (", part: "a# int", separator: ", ", after: ")"},
		"columns with checks":  {before: "CREATE TABLE n (", part: "a# int NOT NULL DEFAULT # CHECK (a# > 0)", separator: ", ", after: ")"},
		"table checks":         {before: "CREATE TABLE n (id int, ", part: "CONSTRAINT k# CHECK (id > #)", separator: ", ", after: ")"},
		"table unnamed checks": {before: "CREATE TABLE n (id int, ", part: "CHECK (id > #)", separator: ", ", after: ")"},
		"table unique":         {before: "CREATE TABLE n (id int, ", part: "UNIQUE (id)", separator: ", ", after: ")"},
		"table foreign keys":   {before: "CREATE TABLE n (id int, ", part: "FOREIGN KEY (id) REFERENCES small (id)", separator: ", ", after: ")"},
		"values":               {before: "INSERT INTO small VALUES ", part: "(#, 'a')", separator: ", "},
		"in list":              {before: "DELETE FROM small WHERE id IN (", part: "#", separator: ", ", after: ")"},
		"or":                   {before: "DELETE FROM small WHERE ", part: "id = #", separator: " OR "},
		"and":                  {before: "DELETE FROM small WHERE ", part: "id <> #", separator: " AND "},
		"set":                  {before: "UPDATE big SET ", part: "c# = #", separator: ", ", after: " WHERE id = 1"},
		"case":                 {before: "UPDATE small SET id = CASE ", part: "WHEN id = # THEN #", separator: " ", after: " END"},
		"targets":              {before: "CREATE VIEW w AS SELECT ", part: "c# AS a#", separator: ", ", after: " FROM big"},
		"with":                 {before: "WITH ", part: "w# AS (SELECT id FROM small)", separator: ", ", after: " SELECT 1"},
		"unions":               {before: "CREATE VIEW w AS ", part: "SELECT # AS a", separator: " UNION ALL "},
		"joins":                {before: "CREATE VIEW w AS SELECT 1 AS a FROM small x ", part: "JOIN small s# ON s#.id = x.id", separator: " "},
		"sub-selects":          {before: "DELETE FROM small WHERE ", part: "id = (SELECT # FROM big LIMIT 1)", separator: " OR "},
		"concatenation":        {before: "UPDATE small SET name = ", part: "'a#'", separator: " || "},
		"arguments":            {before: "SELECT concat(", part: "'a#'", separator: ", ", after: ")"},
		"array":                {before: "SELECT ARRAY[", part: "#", separator: ", ", after: "]"},
		"grant to":             {before: "GRANT SELECT ON small TO ", part: "r#", separator: ", "},
		"grant on":             {before: "GRANT SELECT ON ", part: "q#", separator: ", ", after: " TO r"},
		"drop":                 {before: "DROP TABLE IF EXISTS ", part: "q#", separator: ", "},
		"drop unseen":          {before: "DROP TABLE ", part: "q#", separator: ", ", after: " CASCADE"},
		"renamed columns":      {part: "ALTER TABLE big RENAME c# TO n#", separator: ";\n"},
		"truncate":             {before: "TRUNCATE ", part: "q#", separator: ", "},
		"labels":               {before: "CREATE TYPE n AS ENUM (", part: "'a#'", separator: ", ", after: ")"},
		"attributes":           {before: "CREATE TYPE n AS (", part: "a# int", separator: ", ", after: ")"},
		"index columns":        {before: "CREATE INDEX n ON big (", part: "(id + #)", separator: ", ", after: ")"},
		"list partition":       {before: "CREATE TABLE n PARTITION OF parted FOR VALUES IN (", part: "#", separator: ", ", after: ")"},
		"publication":          {before: "CREATE PUBLICATION n FOR TABLE ", part: "q#", separator: ", "},
		"block":                {before: "DO $$ BEGIN ", part: "UPDATE small SET id = # WHERE id = #;", separator: " ", after: " END $$"},
		"block of checks":      {before: "DO $$ BEGIN ", part: "ALTER TABLE small ADD CONSTRAINT k# CHECK (id > #);", separator: " ", after: " END $$"},
		"partitions":           {part: "CREATE TABLE n# PARTITION OF parted FOR VALUES IN (#)", separator: ";\n"},
		"tables":               {part: "CREATE TABLE n# (id int)", separator: ";\n"},
		"indexes":              {part: "CREATE INDEX n# ON big (c#)", separator: ";\n"},
		"comments":             {part: "COMMENT ON COLUMN big.c# IS 'a'", separator: ";\n"},
		"functions":            {part: "CREATE FUNCTION n#() RETURNS int LANGUAGE sql AS 'SELECT #'", separator: ";\n"},
		"views":                {part: "CREATE VIEW w# AS SELECT id FROM small", separator: ";\n"},
		"added columns":        {part: "ALTER TABLE small ADD COLUMN n# int", separator: ";\n"},
		"triggers":             {part: "CREATE TRIGGER n# BEFORE INSERT ON small FOR EACH ROW EXECUTE FUNCTION f()", separator: ";\n"},
	}
	all["rules"] = repeated{
		part: "CREATE RULE n# AS ON UPDATE TO small DO ALSO UPDATE small SET id = NEW.id", separator: ";\n", after: ";\nUPDATE small SET id = 1",
	}
	for n := 0; ; n++ {
		name := pgparse.AlterTableType(n).String()
		if name == strconv.Itoa(n) {
			break
		}
		if alterCommands[name] == "" && !slices.Contains(notWritten, name) {
			t.Errorf("the command %s has no text here", name)
		}
	}
	for name, command := range alterCommands {
		all[name] = repeated{before: "ALTER TABLE big ", part: command, separator: ", "}
	}
	for name, limit := range slowerConstructs {
		r, ok := all[name]
		if !ok || limit.reason == "" {
			t.Errorf("the exception for %s has no construct, or no reason", name)
		}
		r.exception = limit
		all[name] = r
	}
	return all
}

// slowerConstructs are the exceptions.
var slowerConstructs = map[string]exception{
	"AT_AlterColumnType": {few: 30, limit: 3.5, reason: "each column becomes twelve steps that are judged, which takes seconds"},
	"AT_AddInherit":      {few: 50, reason: "each parent that was not seen learns all columns of the table, which takes seconds"},
	"AT_SetExpression":   {limit: 4.5, reason: "a generated column that reads unknown names is resolved again after each command; a table has at most 1,600"},
	"rules":              {limit: 4, reason: "each of the rules, which the server refuses to run, fires all others"},
	"block":              {limit: 4, reason: "not looked into yet: 47 MB for 500 statements"},
	"block of checks":    {limit: 3, reason: "as for block"},
	"index columns":      {limit: 4.5, reason: "the server refuses more than 32 columns"},
}

// leastBytes are not compared: readers take buffers of some MB at once.
const leastBytes = 16e6

// TestDoubledConstructs: twice as many parts of a construct take about twice the memory to judge and to plan. The counters are the
// runtime's, which do not depend on the clock or the load of the machine.
func TestDoubledConstructs(t *testing.T) {
	const few = 250 // more than the statements whose fixes are complete
	var schema strings.Builder
	schema.WriteString("CREATE TABLE small (id int PRIMARY KEY, name text);\nCREATE TABLE parted (id int) PARTITION BY LIST (id);\n")
	schema.WriteString("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;\n")
	columns := repeated{before: "CREATE TABLE big (id int PRIMARY KEY, ", part: "c# int, CONSTRAINT v# CHECK (c# > 0)", separator: ", ", after: ");\n"}
	schema.WriteString(columns.write(2 * few))
	all := constructs(t)
	names := slices.Sorted(maps.Keys(all))
	file := func(sql string) map[string]string {
		return map[string]string{"migrations/00002_step.sql": "-- +goose Up\n" + sql + ";\n"}
	}
	commits := []map[string]string{{"migrations/00001_step.sql": "-- +goose Up\n" + schema.String()}}
	for _, name := range names {
		r := all[name]
		n := cmp.Or(r.few, few)
		commits = append(commits, file(r.write(n)), file(r.write(2*n)))
	}
	commits = append(commits, file("SELECT 1"))
	dir := gittest.Commits(t, commits...)
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	measure := func(commit int) (size, count float64) {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		head := fmt.Sprintf("feature~%d", len(commits)-1-commit)
		if _, err := plan.Changelog(t.Context(), audit.Config{Dir: dir, Base: "main", Head: head}, false); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		return float64(after.TotalAlloc - before.TotalAlloc), float64(after.Mallocs - before.Mallocs)
	}
	last := len(commits) - 1
	measure(last) // what is made once
	size, count := measure(last)
	for i, name := range names {
		size1, count1 := measure(1 + 2*i)
		size2, count2 := measure(2 + 2*i)
		most := cmp.Or(all[name].limit, mostGrowth)
		bytes, allocations := (size2-size)/(size1-size), (count2-count)/(count1-count)
		t.Logf("%-30s %5.2f times the bytes (%.0f MB), %5.2f times the allocations", name, bytes, size2/1e6, allocations)
		if bytes > most && size2-size > leastBytes || allocations > most {
			t.Errorf("%s: twice as many take %.2f times the bytes (%.0f and %.0f MB) and %.2f times the allocations", name, bytes, size1/1e6, size2/1e6, allocations)
		}
	}
}
