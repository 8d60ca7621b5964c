package verify_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/verify"
)

// madeScene is a release, and queries of the deployed code without values.
type madeScene struct {
	base    string
	release []string
	queries []string
	role    string // who sends the queries; "" for the owner
	// want are the verdicts: severity, kind, SQLSTATE, line of the release's file, and the begin of the query.
	want []string
	// left is the reason for which a query is not executed; "" for none.
	left string
}

const inn = `CREATE TABLE guests (id bigserial PRIMARY KEY, email text NOT NULL UNIQUE, age int);
CREATE TABLE stays (id bigserial PRIMARY KEY, guest bigint NOT NULL REFERENCES guests, nights int NOT NULL CHECK (nights > 0),
  state text NOT NULL DEFAULT 'new');
`

const raisesOnStays = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n  %s\nEND $$;\n" +
	"CREATE TRIGGER refuse BEFORE %s ON stays FOR EACH ROW %s EXECUTE FUNCTION refuse();"

const (
	insertStay = "INSERT INTO stays (guest, nights) VALUES ($1, $2)"
	updateStay = "UPDATE stays SET nights = $1 WHERE id = $2"
	withClerk  = "CREATE ROLE clerk LOGIN; GRANT ALL ON guests, stays TO clerk; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO clerk;"
	totalHead  = "FUNCTION total(g bigint) RETURNS bigint LANGUAGE plpgsql AS "
	withBook   = "CREATE PROCEDURE book(g bigint, n int) LANGUAGE plpgsql AS $$ BEGIN UPDATE stays SET nights = n WHERE guest = g AND n > 0; END $$;"
	withTotal  = "CREATE " + totalHead + "$$ BEGIN RETURN (SELECT sum(nights) FROM stays WHERE guest = g); END $$;"
)

var madeScenes = map[string]madeScene{
	"NOT NULL without a default": {inn, []string{"ALTER TABLE stays ADD COLUMN room int NOT NULL;"}, []string{insertStay}, "",
		[]string{"error required-column 23502 00002:2 INSERT INTO stays"}, ""},
	"NOT NULL that a trigger function leaves open": {inn + "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " +
		"INSERT INTO log (what) VALUES (NEW.state); RETURN NEW; END $$;\n" +
		"CREATE TABLE log (id serial, what text);\nCREATE TRIGGER note AFTER INSERT ON stays FOR EACH ROW EXECUTE FUNCTION note();",
		[]string{"ALTER TABLE log DROP COLUMN what;"}, []string{insertStay}, "",
		[]string{"error fails 42703 00002:2 INSERT INTO stays"}, ""},
	"a trigger that always raises": {inn, []string{
		"ALTER TABLE stays ADD COLUMN note text;\n" + fmt.Sprintf(raisesOnStays, "RAISE EXCEPTION 'closed';", "INSERT", "")},
		[]string{insertStay, updateStay}, "",
		[]string{"error fails P0001 00002:7 INSERT INTO stays"}, ""},
	"a trigger that raises for some rows": {inn, []string{
		fmt.Sprintf(raisesOnStays, "IF NEW.nights < 1000000 THEN RAISE EXCEPTION 'too short'; END IF; RETURN NEW;", "INSERT", "")},
		[]string{insertStay}, "",
		[]string{"warning may-be-rejected P0001 00002:6 INSERT INTO stays"}, ""},
	"a trigger with a condition": {inn, []string{fmt.Sprintf(raisesOnStays, "RAISE EXCEPTION 'closed';", "INSERT", "WHEN (NEW.nights < 1000000)")},
		[]string{insertStay}, "",
		[]string{"warning may-be-rejected P0001 00002:6 INSERT INTO stays"}, ""},
	"a trigger that lets rows pass": {inn, []string{fmt.Sprintf(raisesOnStays, "NEW.state := lower(NEW.state); RETURN NEW;", "INSERT OR UPDATE", "")},
		[]string{insertStay, updateStay}, "", nil, ""},
	"a trigger that raises for deletes": {inn, []string{fmt.Sprintf(raisesOnStays, "RAISE EXCEPTION 'kept';", "DELETE", "")},
		[]string{"DELETE FROM stays WHERE id = $1", "SELECT nights FROM stays WHERE id = $1"}, "",
		[]string{"error fails P0001 00002:6 DELETE FROM stays"}, ""},
	"row security without a policy": {inn + withClerk,
		[]string{"ALTER TABLE stays ENABLE ROW LEVEL SECURITY;"},
		[]string{insertStay, updateStay}, "clerk",
		[]string{"error fails 42501 00002:2 INSERT INTO stays", "warning may-be-rejected 42501 00002:2 UPDATE stays",
			"warning other-result  00002:2 UPDATE stays"}, ""},
	"a policy that depends on values": {inn + withClerk,
		[]string{"CREATE POLICY few ON stays USING (true) WITH CHECK (nights > 1000000);\nALTER TABLE stays ENABLE ROW LEVEL SECURITY;"},
		[]string{insertStay}, "clerk",
		[]string{"warning may-be-rejected 42501 00002:3 INSERT INTO stays"}, ""},
	"a function whose body raises": {inn + withTotal,
		[]string{"CREATE OR REPLACE " + totalHead + "$$ BEGIN RAISE EXCEPTION 'use total2'; END $$;"},
		[]string{"SELECT total($1)"}, "", []string{"error fails P0001 00002:2 SELECT total"}, ""},
	"a function whose body does not fit": {inn + withTotal,
		[]string{"ALTER TABLE stays RENAME COLUMN nights TO days;"},
		[]string{"SELECT total($1)"}, "", []string{"error fails 42703 00002:2 SELECT total"}, ""},
	"a function that is written otherwise": {inn + withTotal,
		[]string{"CREATE OR REPLACE " + totalHead + "$$ BEGIN RETURN (SELECT sum(s.nights) FROM stays s WHERE s.guest = g); END $$;"},
		[]string{"SELECT total($1)"}, "", nil, ""},
	"a stricter check": {inn, []string{"ALTER TABLE stays ADD CONSTRAINT two CHECK (nights > 1) NOT VALID;"}, []string{insertStay}, "",
		[]string{"warning may-be-rejected 23514 00002:2 INSERT INTO stays"}, ""},
	"a check that the default violates": {inn, []string{"ALTER TABLE stays ADD CONSTRAINT named CHECK (state <> 'new') NOT VALID;"},
		[]string{insertStay}, "", []string{"error fails 23514 00002:2 INSERT INTO stays"}, ""},
	"an exclusion": {"CREATE TABLE slots (id bigserial PRIMARY KEY, during int4range NOT NULL);", []string{
		"ALTER TABLE slots ADD CONSTRAINT apart EXCLUDE USING gist (during WITH &&);"}, []string{"INSERT INTO slots (during) VALUES ($1)"}, "",
		[]string{"warning may-be-rejected 23P01 00002:2 INSERT INTO slots"}, ""},
	"a view with fewer rows": {inn + "CREATE VIEW adults AS SELECT id, email FROM guests;",
		[]string{"CREATE OR REPLACE VIEW adults AS SELECT id, email FROM guests WHERE id < 0;"},
		[]string{"SELECT email FROM adults WHERE id = $1"}, "", []string{"warning other-result  00002:2 SELECT email FROM adults"}, ""},
	"a view that is written otherwise": {inn + "CREATE VIEW adults AS SELECT id, email FROM guests;",
		[]string{"CREATE OR REPLACE VIEW adults AS SELECT g.id, g.email FROM guests g WHERE true;"},
		[]string{"SELECT email FROM adults WHERE id = $1", "SELECT array_agg(email) FROM adults"}, "", nil, ""},
	"rows of the release": {inn, []string{"INSERT INTO guests (email) VALUES ('house@example.org');\nALTER TABLE guests ADD COLUMN nick text;"},
		[]string{"SELECT count(id) FROM guests WHERE id = $1", "SELECT email FROM guests", "INSERT INTO guests (email, age) VALUES ($1, $2)"}, "", nil, ""},
	"a query that no value fits": {inn + "CREATE FUNCTION never(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'never'; END $$;",
		[]string{"ALTER TABLE stays ADD COLUMN note text;"}, []string{
			"SELECT never($1)", "SELECT nights FROM stays WHERE id = $1",
		}, "", nil, "are refused with made-up values"},
	"a query that reaches out": {inn, []string{"ALTER TABLE stays ADD COLUMN note text;"}, []string{
		"SELECT pg_advisory_lock($1)", "SELECT nights FROM stays WHERE id = $1"}, "", nil, "do what a rollback does not take back, or reach other sessions"},
	"numbers of a sequence": {inn + "CREATE FUNCTION check_in(text) RETURNS bigint LANGUAGE sql AS " +
		"'INSERT INTO guests (email) VALUES ($1) RETURNING id';",
		[]string{"ALTER TABLE guests DROP COLUMN age;"}, []string{"INSERT INTO guests (email, age) VALUES ($1, $2)", "SELECT check_in($1)"}, "",
		[]string{"error fails 42703 00002:2 INSERT INTO guests"}, ""},
	"a procedure whose body does not fit": {inn + withBook, []string{"ALTER TABLE stays RENAME COLUMN nights TO days;"}, []string{"CALL book($1, $2)"}, "",
		[]string{"error fails 42703 00002:2 CALL book"}, ""},
	"a procedure that still fits": {inn + withBook, []string{"ALTER TABLE stays ADD COLUMN note text;"}, []string{"CALL book($1, $2)"}, "", nil, ""},
	"a procedure that commits": {inn + "CREATE PROCEDURE tidy() LANGUAGE plpgsql AS $$ BEGIN DELETE FROM stays; COMMIT; END $$;",
		[]string{"ALTER TABLE stays ADD COLUMN note text;"}, []string{"CALL tidy()", "SELECT nights FROM stays WHERE id = $1"}, "", nil,
		"are refused by the deployed schema"},
	"a column that is dropped": {inn, []string{"ALTER TABLE guests DROP COLUMN age;"}, []string{"UPDATE guests SET age = $1 WHERE id = $2"}, "",
		[]string{"error fails 42703 00002:2 UPDATE guests"}, ""},
}

// Queries without values are executed with made ones: what surely fails is an error, what depends on values a warning, and safe changes are quiet.
func TestMadeValues(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		for _, name := range rotation.Pick(t, len(pgservertest.EndsAndPreview()), slices.Sorted(maps.Keys(madeScenes))) {
			s := madeScenes[name]
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				cfg := on(repository(t, s.base, s.release...), major)
				var list []workload.Query
				for _, sql := range s.queries {
					list = append(list, workload.Query{SQL: sql, Role: s.role})
				}
				cfg.Old, cfg.MadeValues = recording(list...), true
				s.check(t, run(t, cfg))
			})
		}
	})
}

func (s *madeScene) check(t *testing.T, r *onward.Report) {
	t.Helper()
	values := r.Verification.MadeValues
	if values == nil || values.Queries+values.CountLeft() != len(s.queries) || values.Executions < values.Queries || values.Points != len(r.Verification.Points) {
		t.Fatalf("executed %+v: %q", values, r.Verification.Notes)
	}
	if len(values.Left) > 0 != (s.left != "") || s.left != "" && values.Left[0].Why != s.left {
		t.Errorf("left out %+v: %q", values.Left, r.Verification.Notes)
	}
	var got []string
	for _, d := range r.Verdicts {
		number, _, _ := strings.Cut(strings.TrimPrefix(d.After.Path, "migrations/"), "_")
		got = append(got, fmt.Sprintf("%s %s %s %s:%d %s", d.Severity, d.Kind, d.SQLState, number, d.After.Line, d.Query))
		if d.MadeValues && d.Kind != onward.VerdictOtherResult && strings.Contains(d.Query, "$1") && len(d.Values) == 0 {
			t.Errorf("no value is named: %+v", d)
		}
	}
	slices.Sort(got)
	if !slices.EqualFunc(got, s.want, strings.HasPrefix) {
		t.Errorf("got %q, want %q: %+v; %q", got, s.want, r.Verdicts, r.Verification.Notes)
	}
	if breaks := len(s.want) > 0 && strings.HasPrefix(s.want[0], "error"); breaks != (verify.FirstBreaking(r) != nil) {
		t.Errorf("the report breaks a query: %t, want %t: %+v", !breaks, breaks, r.Summary)
	}
	for _, format := range []report.Format{report.FormatTerminal, report.FormatMarkdown, report.FormatJSON} {
		var page strings.Builder
		if err := report.Write(&page, format, r, report.Options{Width: 100}); err != nil {
			t.Fatal(err)
		}
		if text := page.String(); !strings.Contains(text, "made values") && !strings.Contains(text, "made_values") {
			t.Errorf("%s does not say that values are made:\n%s", format, text)
		}
	}
}

// Values that come from the rows of a dump are not printed.
func TestMadeValuesOfDump(t *testing.T) {
	t.Parallel()
	dir := repository(t, "SELECT 1;", "ALTER TABLE letters ADD CONSTRAINT brief CHECK (text = '') NOT VALID;")
	dump := filepath.Join(t.TempDir(), "dump.sql")
	if err := os.WriteFile(dump, []byte("CREATE TABLE letters (id int, text text);\nCOPY letters FROM stdin;\n1\tDear Diary\n\\.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := on(dir, onward.NewestMajor)
	cfg.Schema, cfg.MadeValues = dump, true
	cfg.Old = recording(workload.Query{SQL: "UPDATE letters SET text = $1 WHERE id = $2"})
	for _, shows := range []bool{false, true} {
		cfg.ShowValues = shows
		r := run(t, cfg)
		if len(r.Verdicts) != 1 || !r.Verdicts[0].MadeValues || strings.Contains(fmt.Sprint(r.Verdicts), "Diary") != shows || len(r.Verdicts[0].Values) > 0 != shows {
			t.Errorf("with ShowValues %t the verdicts are %+v, want one that shows values only if asked; notes: %q", shows, r.Verdicts, r.Verification.Notes)
		}
	}
}
