package rule

import (
	"fmt"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/analysis/inline"
	"github.com/onward-sql/onward/onward"
)

// Code that a statement on rows fires is judged with the statement, or reported as
// hidden.
func TestFiredCodeIsInlined(t *testing.T) {
	t.Parallel()
	const before = `
CREATE TABLE b (id int);
CREATE TABLE plain (id int);
CREATE FUNCTION drops() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DROP TABLE b; RETURN 1; END $$;
CREATE FUNCTION calm() RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN drops(); END $$;
CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE plain SET id = 2; DROP TABLE b; RETURN NEW; END $$;
CREATE FUNCTION daily() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE plain SET id = 2; NEW.id := 3; RETURN NEW; END $$;
CREATE FUNCTION routes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'INSERT INTO ' || TG_ARGV[0] || ' VALUES (1)'; RETURN NULL; END $$;
CREATE FUNCTION hides() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DROP TABLE ' || TG_ARGV[0]; RETURN NULL; END $$;
CREATE FUNCTION python() RETURNS trigger LANGUAGE plpython3u AS $$ pass $$;
CREATE TABLE t (id int);
CREATE TRIGGER t_ins BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION fired();
CREATE TABLE child (id int) INHERITS (plain);
CREATE TABLE later (id int, t_id int);
CREATE TRIGGER x AFTER INSERT ON later FOR EACH STATEMENT EXECUTE FUNCTION daily();
CREATE TABLE defaulted (id int DEFAULT drops(), other int);
CREATE TABLE checked (id int CHECK (calm() > 0));
CREATE TABLE indexed (id int);
CREATE INDEX ON indexed ((calm()));
CREATE TABLE ruled (id int);
CREATE RULE r AS ON DELETE TO ruled DO ALSO SELECT drops();
CREATE RULE s AS ON UPDATE TO ruled DO INSTEAD INSERT INTO t VALUES (1);
CREATE VIEW v AS SELECT id FROM t;
CREATE VIEW w AS SELECT drops() AS id;
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE kid (id int REFERENCES parent ON DELETE CASCADE);
CREATE TRIGGER k AFTER DELETE ON kid FOR EACH ROW EXECUTE FUNCTION fired();
CREATE TABLE dynamic (id int);
CREATE TRIGGER d AFTER INSERT ON dynamic FOR EACH ROW EXECUTE FUNCTION hides('b');
CREATE TABLE routed (id int);
CREATE TRIGGER d AFTER INSERT ON routed FOR EACH ROW EXECUTE FUNCTION routes('b');
CREATE TABLE snake (id int);
CREATE TRIGGER d AFTER INSERT ON snake FOR EACH ROW EXECUTE FUNCTION python();
CREATE TABLE foreigner (id int);
CREATE TRIGGER d AFTER INSERT ON foreigner FOR EACH ROW EXECUTE FUNCTION unheard_of();
CREATE FUNCTION eq(text, int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DROP TABLE b'; RETURN true; END $$;
CREATE OPERATOR ~== (LEFTARG = text, RIGHTARG = int, FUNCTION = eq);
CREATE FUNCTION state(int, int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN DROP TABLE b; RETURN 1; END $$;
CREATE AGGREGATE total (int) (SFUNC = state, STYPE = int);
CREATE TYPE pair AS (a int, b int);
CREATE FUNCTION paired(int) RETURNS pair LANGUAGE plpgsql AS $$ BEGIN DROP TABLE b; RETURN NULL; END $$;
CREATE CAST (int AS pair) WITH FUNCTION paired(int) AS ASSIGNMENT;
CREATE TABLE pairs (p pair);
CREATE DOMAIN checks AS int CHECK (calm() > VALUE);
CREATE TABLE domained (c checks);
CREATE TABLE guarded (id int);
CREATE POLICY p ON guarded USING (calm() > 0);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE TABLE open_ (id int);
CREATE POLICY p ON open_ USING (calm() > 0);
CREATE VIEW outer_ AS SELECT id FROM w;
CREATE SCHEMA other;
CREATE FUNCTION other.elsewhere() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DROP TABLE b; RETURN 1; END $$;
CREATE TABLE stamped (id int);
CREATE TRIGGER d BEFORE UPDATE ON stamped FOR EACH ROW EXECUTE FUNCTION moddatetime('id');`
	for _, tt := range []struct {
		sql    string
		drops  bool
		opaque string
	}{
		{"INSERT INTO t VALUES (1)", true, ""},
		{"UPDATE t SET id = 2", false, ""},
		{"ALTER TABLE t DISABLE TRIGGER t_ins; INSERT INTO t VALUES (1)", false, ""},
		{"WITH x AS (INSERT INTO t VALUES (1) RETURNING id) SELECT * FROM x", true, ""},
		{"MERGE INTO t USING plain p ON p.id = t.id WHEN NOT MATCHED THEN INSERT VALUES (1)", true, ""},
		{"COPY t FROM '/tmp/x'", true, ""},
		{"INSERT INTO later VALUES (1)", false, ""},
		{"DO $$ BEGIN INSERT INTO t VALUES (1); END $$", true, ""},
		{"DO $$ DECLARE x int; BEGIN x := drops(); END $$", true, ""},
		{"DO $$ DECLARE x int := drops(); BEGIN IF x > 0 THEN NULL; END IF; END $$", true, ""},
		{"DO $$ BEGIN IF calm() > 0 THEN NULL; END IF; END $$", true, ""},
		{"PREPARE p AS INSERT INTO t VALUES (1)", false, ""},
		{"PREPARE p AS INSERT INTO t VALUES (1); EXECUTE p", true, ""},
		{"EXPLAIN INSERT INTO t VALUES (1)", false, ""},
		{"EXPLAIN (ANALYZE) INSERT INTO t VALUES (1)", true, ""},
		{"INSERT INTO defaulted (other) VALUES (1)", true, ""},
		{"INSERT INTO defaulted (id) VALUES (1)", false, ""},
		{"INSERT INTO checked VALUES (1)", true, ""},
		{"INSERT INTO indexed VALUES (1)", true, ""},
		{"DELETE FROM ruled", true, ""},
		{"UPDATE ruled SET id = 1", true, ""},
		{"INSERT INTO ruled VALUES (1)", false, ""},
		{"INSERT INTO v VALUES (1)", true, ""},
		{"SELECT id FROM w", true, ""},
		{"CREATE TABLE copied AS SELECT id FROM w", true, ""},
		{"CREATE INDEX ON plain ((calm()))", true, ""},
		{"ALTER TABLE plain ADD COLUMN extra int DEFAULT drops()", true, ""},
		{"DELETE FROM parent WHERE id = 1", true, ""},
		{"SELECT coalesce(NULL, drops())", true, ""},
		{"DECLARE c CURSOR FOR SELECT drops()", true, ""},
		{"CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION loud(); CREATE TABLE n (id int)", true, ""},
		{"CREATE EVENT TRIGGER e ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION loud(); CREATE TABLE n (id int)", false, ""},
		{"CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION loud(); DROP EVENT TRIGGER e; CREATE TABLE n (id int)", false, ""},
		{"INSERT INTO dynamic VALUES (1)", false, "EXECUTE of 'DROP TABLE ' || TG_ARGV[0] in hides(), which trigger d of dynamic calls"},
		{"INSERT INTO routed VALUES (1)", false, ""},
		{"INSERT INTO snake VALUES (1)", false, "call of python(), which trigger d of snake calls, a function in plpython3u"},
		{"INSERT INTO foreigner VALUES (1)", false, "call of unheard_of(), which trigger d of foreigner calls"},
		{"UPDATE stamped SET id = 2", false, ""},
		{"SELECT 'a' ~== 1", true, ""},
		{"DELETE FROM plain WHERE 'a' ~== id", true, ""},
		{"SELECT 'a' = 'b', 1 + 2", false, ""},
		{"SELECT total(id) FROM plain", true, ""},
		{"SELECT sum(id) FROM plain", false, ""},
		{"SELECT 1::pair", true, ""},
		{"INSERT INTO pairs VALUES (1)", true, ""},
		{"SELECT 1::checks", true, ""},
		{"INSERT INTO domained VALUES (1)", true, ""},
		{"ALTER TABLE plain ADD COLUMN c checks DEFAULT 1", true, ""},
		{"ALTER DOMAIN checks ADD CONSTRAINT more CHECK (drops() > VALUE)", true, ""},
		{"SELECT * FROM guarded", true, ""},
		{"UPDATE guarded SET id = 1", true, ""},
		{"SELECT * FROM open_", false, ""},
		{"SELECT * FROM outer_", true, ""},
		{"SELECT elsewhere()", false, "call of elsewhere()"},
		{"UPDATE pg_settings SET setting = 'other' WHERE name = 'search_path'; SELECT elsewhere()", true, ""},
		{"UPDATE pg_settings SET setting = 'other' WHERE name LIKE 'search%'", false, "UPDATE of pg_settings"},
		{strings.Repeat("SELECT 1;", inline.MaxCalled+1) + "SELECT drops()", true, ""},
	} {
		loud := "CREATE FUNCTION loud() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN DROP TABLE b; END $$;"
		if !strings.Contains(tt.sql, "EVENT TRIGGER") {
			loud = ""
		}
		_, m := judged(t, Config{}, before+loud, tt.sql, onward.TransactionNone)
		drops, opaque, all := false, "", ""
		for _, s := range m.Statements {
			drops = drops || s.SQL == "DROP TABLE b"
			if len(m.Statements) < 50 {
				all += fmt.Sprintf("%s [%s]\n", s.SQL, s.In)
			}
			if s.Opaque != "" && opaque == "" {
				opaque = s.Opaque
			}
		}
		if drops != tt.drops || opaque != tt.opaque {
			t.Errorf("%s: DROP TABLE b is seen: %t; opaque %q, want %q\n%s", tt.sql, drops, opaque, tt.opaque, all)
		}
	}
}
