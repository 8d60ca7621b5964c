package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// lossSchema is what the statements of lossForms take from.
const lossSchema = `CREATE ROLE app LOGIN; CREATE ROLE staff; CREATE ROLE owner; GRANT staff TO app; CREATE SCHEMA api; CREATE SCHEMA owned AUTHORIZATION owner;
CREATE EXTENSION hstore; CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE TYPE pair AS (a integer, b text); CREATE DOMAIN email AS text;
CREATE TABLE people (id serial PRIMARY KEY, name text, mood mood, a integer NOT NULL DEFAULT 1, b integer GENERATED ALWAYS AS IDENTITY);
ALTER TABLE people OWNER TO owner; CREATE TABLE child () INHERITS (people);
CREATE TABLE parts (id integer PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE SEQUENCE numbers; CREATE VIEW v AS SELECT id FROM people; CREATE MATERIALIZED VIEW mv AS SELECT id FROM people;
CREATE FUNCTION f(i integer) RETURNS integer LANGUAGE sql AS 'SELECT i'; CREATE PROCEDURE work() LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION secret() RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER people_touch BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION touch();
CREATE RULE people_log AS ON DELETE TO people DO ALSO NOTIFY people;
CREATE OPERATOR <<< (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4lt); CREATE CAST (mood AS integer) WITH INOUT;
CREATE COLLATION plain FROM "C"; CREATE TEXT SEARCH DICTIONARY dict (TEMPLATE = simple); CREATE TEXT SEARCH CONFIGURATION words (COPY = simple);
CREATE SERVER far FOREIGN DATA WRAPPER w; CREATE USER MAPPING FOR app SERVER far; CREATE FOREIGN TABLE remote (id integer) SERVER far;
CREATE PUBLICATION pub FOR TABLE people; CREATE SUBSCRIPTION sub CONNECTION 'x' PUBLICATION p;
CREATE POLICY mine ON people USING (a = 1); ALTER TABLE people ENABLE ROW LEVEL SECURITY; ALTER TABLE people FORCE ROW LEVEL SECURITY;
ALTER ROLE app SET search_path = api, public; GRANT SELECT ON people TO app; GRANT USAGE ON SCHEMA api TO app; GRANT EXECUTE ON FUNCTION f(integer) TO app;`

// lossForms are statements that take something from deployed code, with the rule that says so.
var lossForms = map[string]string{
	"DROP TABLE child": "table-drop", "DROP FOREIGN TABLE remote": "table-drop", "DROP VIEW v": "view-drop", "DROP MATERIALIZED VIEW mv": "view-drop",
	"DROP SEQUENCE numbers": "sequence-drop", "DROP TYPE pair": "type-drop", "DROP DOMAIN email": "type-drop", "DROP FUNCTION f(integer)": "function-drop",
	"DROP PROCEDURE work()": "function-drop", "DROP ROUTINE f(integer)": "function-drop", "DROP AGGREGATE total(integer)": "function-drop",
	"DROP SCHEMA api CASCADE": "schema-drop", "DROP TRIGGER people_touch ON people": "trigger-drop", "DROP POLICY mine ON people": "policy-hides-rows",
	"DROP RULE people_log ON people": "table-rule-drop", "DROP EXTENSION hstore": "extension-drop", "DROP PUBLICATION pub": "publication-drop",
	"DROP OPERATOR <<< (integer, integer)": "function-drop-operator", "DROP CAST (mood AS integer)": "function-drop-operator",
	"DROP TEXT SEARCH DICTIONARY dict": "release-use-lost", "DROP SERVER far": "release-use-lost", "DROP LANGUAGE plpgsql": "release-use-lost",
	"DROP FOREIGN DATA WRAPPER w": "release-use-lost", "DROP CONVERSION c": "release-use-lost", "DROP USER MAPPING FOR app SERVER far": "release-use-lost",
	"DROP SUBSCRIPTION sub": "release-use-lost", "DROP DATABASE shop": "database-drop", "DROP ROLE staff": "role-restricted",
	"DROP OWNED BY owner":                  "table-drop-owned",
	"ALTER TABLE people RENAME TO persons": "table-rename", "ALTER TABLE people RENAME COLUMN name TO title": "column-rename",
	"ALTER VIEW v RENAME TO w": "view-rename", "ALTER SEQUENCE numbers RENAME TO digits": "sequence-rename",
	"ALTER TYPE mood RENAME TO humor":       "type-rename",
	"ALTER FUNCTION f(integer) RENAME TO g": "function-rename", "ALTER SCHEMA api RENAME TO api2": "schema-rename",
	"ALTER ROLE app RENAME TO app2":       "role-restricted",
	"ALTER DATABASE shop RENAME TO shop2": "database-closed", "ALTER TEXT SEARCH DICTIONARY dict RENAME TO d": "release-use-lost",
	"ALTER LANGUAGE plpgsql RENAME TO p": "release-use-lost", "ALTER TABLE people SET SCHEMA api": "table-set-schema",
	"ALTER EXTENSION hstore SET SCHEMA api":            "release-use-lost",
	"ALTER TEXT SEARCH DICTIONARY dict SET SCHEMA api": "release-use-lost", "ALTER TEXT SEARCH DICTIONARY dict (STOPWORDS = english)": "release-use-lost",
	"ALTER TEXT SEARCH CONFIGURATION words DROP MAPPING FOR word": "release-use-lost", "ALTER SERVER far OPTIONS (SET host 'x')": "release-use-lost",
	"ALTER USER MAPPING FOR app SERVER far OPTIONS (SET user 'x')": "release-use-lost", "ALTER ROLE app NOLOGIN": "role-restricted",
	"ALTER GROUP staff DROP USER app": "role-restricted", "REVOKE staff FROM app": "role-restricted",
	"ALTER ROLE app RESET search_path":          "database-setting-changed",
	"ALTER DATABASE shop SET search_path = api": "database-setting-changed", "ALTER DATABASE shop ALLOW_CONNECTIONS false": "database-closed",
	"REASSIGN OWNED BY owner TO app": "grant-revoke", "REVOKE SELECT ON people FROM app": "grant-revoke",
	"REVOKE UPDATE (name) ON people FROM app": "grant-revoke", "REASSIGN OWNED BY CURRENT_USER TO app": "grant-revoke",
	"REVOKE USAGE ON SEQUENCE numbers FROM app": "grant-revoke", "REVOKE EXECUTE ON FUNCTION f(integer) FROM PUBLIC": "grant-revoke",
	"REVOKE EXECUTE ON PROCEDURE work() FROM PUBLIC": "grant-revoke", "REVOKE EXECUTE ON ROUTINE f(integer) FROM app": "grant-revoke",
	"ALTER ROLE CURRENT_USER NOLOGIN": "role-restricted", "ALTER USER SESSION_USER VALID UNTIL '2001-01-01'": "role-restricted",
	"ALTER USER CURRENT_ROLE PASSWORD NULL": "role-restricted", "REVOKE staff FROM CURRENT_USER": "role-restricted",
	"REVOKE USAGE ON SCHEMA api FROM app": "grant-revoke", "REVOKE CONNECT ON DATABASE shop FROM PUBLIC": "grant-revoke",
	"REVOKE USAGE ON TYPE mood FROM PUBLIC": "grant-revoke", "REVOKE USAGE ON DOMAIN email FROM PUBLIC": "grant-revoke",
	"REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC": "grant-revoke", "REVOKE USAGE ON FOREIGN SERVER far FROM app": "grant-revoke",
	"REVOKE USAGE ON FOREIGN DATA WRAPPER w FROM app": "grant-revoke", "REVOKE SELECT ON LARGE OBJECT 1 FROM app": "grant-revoke",
	"REVOKE SET ON PARAMETER work_mem FROM app": "grant-revoke", "ALTER TABLE people OWNER TO app": "grant-revoke",
	"ALTER TABLE people DROP COLUMN name": "column-drop", "ALTER TABLE people ALTER a DROP DEFAULT": "column-drop-default",
	"ALTER TABLE people DISABLE TRIGGER people_touch": "trigger-disable", "ALTER TABLE people DISABLE TRIGGER USER": "trigger-disable",
	"ALTER TABLE people DISABLE TRIGGER ALL": "data-triggers-disabled", "ALTER TABLE people ENABLE REPLICA TRIGGER people_touch": "trigger-disable",
	"ALTER TABLE people DISABLE RULE people_log": "table-rule-drop", "ALTER TABLE people ENABLE REPLICA RULE people_log": "table-rule-drop",
	"ALTER TABLE people DISABLE ROW LEVEL SECURITY": "policy-lifted", "ALTER TABLE people NO FORCE ROW LEVEL SECURITY": "policy-lifted",
	"ALTER TABLE people ALTER b DROP IDENTITY":            "column-drop-default",
	"ALTER TABLE people DROP CONSTRAINT people_pkey":      "constraint-drop-primary-key",
	"ALTER SCHEMA owned OWNER TO app":                     "grant-revoke",
	"ALTER POLICY mine ON people USING (a = 1 AND false)": "policy-hides-rows",
}

// TestLossesAreJudged holds that a statement of each form that takes something from deployed code has a finding that says so.
func TestLossesAreJudged(t *testing.T) {
	t.Parallel()
	deployed := foldText(t, catalog.New(), lossSchema)
	for sql, want := range lossForms {
		t.Run(sql, func(t *testing.T) {
			t.Parallel()
			found := judgeLoss(t, deployed, sql)
			if len(found) == 0 || !slices.Contains(found, want) {
				t.Errorf("found %q, want %s", found, want)
			}
		})
	}
}

func judgeLoss(t *testing.T, deployed *catalog.Catalog, sql string) []string {
	t.Helper()
	s, err := script.BuildScript(script.Source{Text: sql, Parts: []script.Part{{SQL: sql}}, Mode: onward.TransactionNone})
	if err != nil {
		t.Fatal(err)
	}
	e := rule.NewEngine(rule.Config{Versions: []int{18}, Rules: All()}, deployed)
	e.Release().Known = true
	e.JudgeMigration(&rule.Migration{ID: "1", Path: "1.sql", Framework: "sql", Script: s})
	findings, _ := e.Finish()
	var out []string
	for _, f := range findings {
		if f.Category != onward.Locking && f.Category != onward.InTransaction && f.Severity >= onward.Warning {
			out = append(out, f.Rule)
		}
	}
	return out
}

// harmlessKinds are the kinds of statements that take nothing from deployed code, by their end, with the reason.
var harmlessKinds = map[string]string{
	"Create": "it adds", "Define": "it adds", "Insert Update Delete Merge Copy Truncate Select Return": "rows: the rules of data",
	"Transaction VariableSet VariableShow ConstraintsSet Discard Prepare Execute Deallocate":    "the session's own",
	"DeclareCursor ClosePortal Fetch Listen Unlisten Notify Load Lock":                          "the session's own, too",
	"Explain Vacuum VacuumRelation Reindex Cluster CheckPoint RefreshMatView":                   "maintenance: the rules of locks",
	"Index CompositeType View Rule CreateTableAs ImportForeignSchema Createdb Comment SecLabel": "it adds, or the rules of relations compare it",
	"Do Call PLAssign Raw":   "its body is judged, or reported as unjudged",
	"AlterDefaultPrivileges": "privileges on what is created later: grant-recreated-missing compares those",
	"AlterDatabaseRefreshColl AlterCollation AlterStats AlterOperator": "nothing that a query sees",
	"AlterTableSpaceOptions AlterTableMoveAll AlterObjectDepends":      "nothing that a query names",
	"AlterOpFamily DropTableSpace":                                     "the server refuses while something depends on it",
	"AlterSystem":                                                      "it fails in a transaction, and takes effect after a reload",
	"AlterEventTrig":                                                   "it fires for changes of the schema",
	"AlterEnum AlterDomain AlterType":                                  "the rules of types",
	"AlterFunction AlterSeq":                                           "the rules of functions and sequences",
	"AlterExtension":                                                   "the script of a version is not in the statement",
	"AlterExtensionContents":                                           "it changes what DROP EXTENSION takes",
	"AlterPublication AlterSubscription":                               "the rules of publications",
	"AlterFdw":                                                         "options of the library",
	"Set SetOperation ReplicaIdentity":                                 "no statement of its own",
}

// TestStatementKindsAreJudged holds that the lists above have every kind of statement that the parser knows.
func TestStatementKindsAreJudged(t *testing.T) {
	t.Parallel()
	judged := map[string]bool{}
	for sql := range lossForms {
		s, err := script.BuildScript(script.Source{Text: sql, Parts: []script.Part{{SQL: sql}}, Mode: onward.TransactionNone})
		if err != nil {
			t.Fatal(err)
		}
		m := s.Statements[0].Node.ProtoReflect()
		judged[string(m.WhichOneof(m.Descriptor().Oneofs().Get(0)).Message().Name())] = true
	}
	harmless := map[string]bool{}
	for kinds := range harmlessKinds {
		for _, kind := range strings.Fields(kinds) {
			harmless[kind+"Stmt"] = true
		}
	}
	fields := (&pgparse.Node{}).ProtoReflect().Descriptor().Oneofs().Get(0).Fields()
	for i := range fields.Len() {
		name := string(fields.Get(i).Message().Name())
		if strings.HasSuffix(name, "Stmt") && !strings.HasPrefix(name, "Create") && !judged[name] && !harmless[name] {
			t.Errorf("%s may take something from deployed code: it needs a form in lossForms, or a reason in harmlessKinds", name)
		}
	}
	commands := pgparse.AlterTableType(0).Descriptor().Values()
	for i := range commands.Len() {
		name := string(commands.Get(i).Name())
		words := []string{"Drop", "Disable", "Detach", "NoForce", "Replica", "Owner"}
		takes := slices.ContainsFunc(words, func(word string) bool { return strings.Contains(name, word) })
		if takes && !hasCommand(t, name) && harmlessCommands[name] == "" {
			t.Errorf("%s takes something: it needs a form in lossForms, or a reason in harmlessCommands", name)
		}
	}
}

// harmlessCommands are the commands of ALTER TABLE that take something that no query sees.
var harmlessCommands = map[string]string{
	"AT_DropNotNull": "column-drop-not-null asks the code", "AT_DropInherit": "its rows leave on purpose", "AT_DetachPartition": "its rows leave on purpose",
	"AT_DropCluster": "only CLUSTER reads it", "AT_DropExpression": "column-generated-changed compares the columns",
	"AT_DropOids": "no version has it any more",
	"AT_DropOf":   "the columns stay", "AT_ReplicaIdentity": "publication-identity-missing", "AT_DetachPartitionFinalize": "the partition was gone before",
}

func hasCommand(t *testing.T, name string) bool {
	t.Helper()
	for sql := range lossForms {
		s, err := script.BuildScript(script.Source{Text: sql, Parts: []script.Part{{SQL: sql}}, Mode: onward.TransactionNone})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range s.Statements[0].Node.GetAlterTableStmt().GetCmds() {
			if n.GetAlterTableCmd().GetSubtype().String() == name {
				return true
			}
		}
	}
	return false
}
