package apply_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// addition is something that only a database has. The plan is refused with these words until it is gone.
type addition struct {
	since            int
	make, undo, want string
}

// columnAdditions are on a column that a plan replaces.
var columnAdditions = []addition{
	{0, "CREATE UNIQUE INDEX extra ON parcels (weight)", "DROP INDEX extra", "index extra of parcels is about weight of parcels"},
	{0, "CREATE INDEX extra ON parcels (id) WHERE weight > 3", "DROP INDEX extra", "index extra of parcels"},
	{0, "CREATE INDEX extra ON parcels ((weight + 1))", "DROP INDEX extra", "index extra of parcels"},
	{0, "CREATE VIEW extra AS SELECT weight FROM parcels", "DROP VIEW extra", "view extra reads weight of parcels"},
	{
		0, "CREATE MATERIALIZED VIEW extra AS SELECT max(weight) FROM parcels",
		"DROP MATERIALIZED VIEW extra", "materialized view extra reads weight of parcels",
	},
	{0, "CREATE POLICY extra ON parcels USING (weight > 0)", "DROP POLICY extra ON parcels", "policy extra of parcels reads weight"},
	{
		0, "CREATE POLICY extra ON classes USING (EXISTS (SELECT FROM parcels WHERE weight = id))",
		"DROP POLICY extra ON classes", "policy extra of public.classes reads weight",
	},
	{
		0, "CREATE TRIGGER extra BEFORE UPDATE OF weight ON parcels FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
		"DROP TRIGGER extra ON parcels", "trigger extra of parcels",
	},
	{
		14, "CREATE FUNCTION extra() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT max(weight) FROM parcels; END",
		"DROP FUNCTION extra", "function public.extra() reads weight",
	},
}

// Whatever a database has on a replaced column, and the plan does not know, is named: before the first step, and before the contract. Nothing
// changes until it is gone. Defaults and statistics objects are carried over.
func TestReplacedColumnLosesNothing(t *testing.T) {
	t.Parallel()
	const base = `CREATE TABLE classes (id int PRIMARY KEY); CREATE TABLE parcels (id bigint PRIMARY KEY, weight int, note text); CREATE INDEX heavy
		ON parcels (weight);
		ALTER TABLE parcels ADD CONSTRAINT light CHECK (weight < 5000);`
	p := planned(t, base, `ALTER TABLE parcels ALTER COLUMN weight TYPE bigint;`)
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		url := pgservertest.Database(t, major)
		run(t, url, base, `INSERT INTO parcels SELECT n, n, 'x' FROM generate_series(1, 100) n; CREATE STATISTICS pair ON weight, id FROM parcels`,
			"COMMENT ON INDEX heavy IS 'i'; COMMENT ON CONSTRAINT light ON parcels IS 'c'; COMMENT ON STATISTICS pair IS 's'")
		refuseAdditions(t, url, major, columnAdditions, apply.Config{DB: url, Plan: p})
		run(t, url, "ALTER TABLE parcels ALTER weight SET NOT NULL")
		refuseAdditions(t, url, major, []addition{{0, "SELECT", "ALTER TABLE parcels ALTER weight DROP NOT NULL", "another schema"}}, apply.Config{DB: url, Plan: p})
		runPlan(t, apply.Config{DB: url, Plan: p})
		contract := apply.Config{DB: url, Plan: p, Through: onward.Contract}
		refuseAdditions(t, url, major, columnAdditions, contract)
		refuseAdditions(t, url, major, []addition{
			{
				0, "ALTER TABLE parcels ADD CONSTRAINT extra EXCLUDE USING btree (weight WITH =)",
				"ALTER TABLE parcels DROP CONSTRAINT extra", "exclusion constraint extra of parcels",
			},
			{
				0, "ALTER TABLE parcels ADD CONSTRAINT extra FOREIGN KEY (weight) REFERENCES classes NOT VALID",
				"ALTER TABLE parcels DROP CONSTRAINT extra", "foreign key extra of parcels",
			},
			{0, "ALTER TABLE parcels ALTER weight SET NOT NULL", "ALTER TABLE parcels ALTER weight DROP NOT NULL", "ALTER COLUMN weight_onward SET NOT NULL"},
			{
				0, "ALTER TABLE parcels ADD CONSTRAINT extra CHECK (weight > 0)",
				"ALTER TABLE parcels DROP CONSTRAINT extra", "ADD CONSTRAINT extra_new CHECK ((weight_onward > 0)) NOT VALID; ",
			},
		}, contract)
		run(t, url, "ALTER TABLE parcels ALTER weight SET DEFAULT 12", "CREATE UNIQUE INDEX extra ON parcels (weight)", "CREATE UNIQUE INDEX extra_new ON parcels (weight_onward)")
		finishPlan(t, contract)
		got := content(t, url, `SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'parcels'::regclass
			UNION ALL SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE
		indrelid = 'parcels'::regclass AND indisunique AND NOT indisprimary
			UNION ALL SELECT concat_ws(' ', obj_description('heavy'::regclass, 'pg_class'), (SELECT obj_description(oid, 'pg_constraint') FROM
		pg_constraint WHERE conname = 'light'),
			(SELECT obj_description(oid, 'pg_statistic_ext') FROM pg_statistic_ext))`)
		want := []string{"12", "CREATE STATISTICS public.pair ON id, weight FROM parcels", "CREATE UNIQUE INDEX extra_new ON public.parcels USING btree (weight)", "i c s"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// refuseAdditions makes each addition, has the run refused with its words, and removes it.
func refuseAdditions(t *testing.T, url string, major int, list []addition, c apply.Config) {
	t.Helper()
	for _, a := range list {
		if a.since > major {
			continue
		}
		run(t, url, a.make)
		_, err := apply.Run(t.Context(), c)
		if refused := new(apply.RefusedError); !errors.As(err, &refused) || !strings.Contains(err.Error(), a.want) {
			t.Errorf("after %s apply.Run = %v, want a refusal with %q", a.make, err, a.want)
		}
		run(t, url, a.undo)
	}
}

// tableAdditions are on a table that a plan writes anew.
var tableAdditions = []addition{
	{0, "ALTER TABLE parcels ADD COLUMN extra int DEFAULT 5", "ALTER TABLE parcels DROP COLUMN extra", "column extra of parcels would be lost"},
	{0, "ALTER TABLE parcels ENABLE ROW LEVEL SECURITY", "ALTER TABLE parcels DISABLE ROW LEVEL SECURITY", "parcels has row-level security"},
	{0, "CREATE POLICY extra ON parcels USING (true)", "DROP POLICY extra ON parcels", "policy extra of parcels would be lost"},
	{
		0, "CREATE TRIGGER extra AFTER INSERT ON parcels FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
		"DROP TRIGGER extra ON parcels", "trigger extra of parcels would be lost",
	},
	{0, "CREATE RULE extra AS ON INSERT TO parcels DO ALSO NOTHING", "DROP RULE extra ON parcels", "rule extra of parcels would be lost"},
	{0, "CREATE VIEW extra AS SELECT id FROM parcels", "DROP VIEW extra", "view extra reads parcels, and would go on with the old table"},
	{0, "CREATE UNIQUE INDEX extra ON parcels (note, id)", "DROP INDEX extra", "index extra of parcels would be lost"},
	{0, "ALTER TABLE parcels ADD CONSTRAINT extra CHECK (id > 0)", "ALTER TABLE parcels DROP CONSTRAINT extra", "check extra of parcels would be lost"},
	{0, "CREATE TABLE extra (p bigint REFERENCES parcels)", "DROP TABLE extra", "foreign key extra_p_fkey of public.extra"},
	{0, "CREATE STATISTICS extra ON id, note FROM parcels", "DROP STATISTICS extra", "statistics object extra of parcels would be lost"},
	{
		0, "CREATE FUNCTION extra(parcels) RETURNS text LANGUAGE sql AS 'SELECT $1.note'",
		"DROP FUNCTION extra", "function public.extra(public.parcels) reads parcels",
	},
	{0, "CREATE TABLE extra () INHERITS (parcels)", "DROP TABLE extra", "child public.extra"},
	{0, "ALTER TABLE parcels ALTER note SET DEFAULT 'y'", "ALTER TABLE parcels ALTER note DROP DEFAULT", "the default of note would be lost"},
}

// The same for a table of which the plan makes a copy: while the copy is filled, and when the exchange is undone.
func TestExchangedTableLosesNothing(t *testing.T) {
	t.Parallel()
	const base = `CREATE TABLE parcels (id bigint PRIMARY KEY, note text, CONSTRAINT known CHECK (note <> '')); CREATE INDEX by_note ON parcels (note);`
	p := planned(t, base, `ALTER TABLE parcels ADD COLUMN loud text GENERATED ALWAYS AS (upper(note)) STORED;`)
	var fill string
	for _, s := range p.Steps {
		if s.Repeat {
			fill = s.ID
		}
	}
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		url := pgservertest.Database(t, major)
		run(t, url, base, `INSERT INTO parcels SELECT n, 'x' FROM generate_series(1, 100) n`)
		runPlan(t, apply.Config{DB: url, Plan: p, To: fill})
		refuseAdditions(t, url, major, tableAdditions, apply.Config{DB: url, Plan: p})
		runPlan(t, apply.Config{DB: url, Plan: p})
		for _, a := range slices.Concat(tableAdditions, formChanges) {
			run(t, url, a.make)
			_, err := apply.Abort(t.Context(), apply.Config{DB: url}, "")
			if refused := new(apply.RefusedError); !errors.As(err, &refused) || !strings.Contains(err.Error(), strings.Fields(a.want)[0]) {
				t.Errorf("abort after %s: %v", a.make, err)
			}
			run(t, url, a.undo)
		}
		run(t, url, "GRANT SELECT ON parcels TO PUBLIC; COMMENT ON TABLE parcels IS 'sent'")
		if _, err := apply.Abort(t.Context(), apply.Config{DB: url}, ""); err != nil {
			t.Fatal(err)
		}
		got := content(t, url, "SELECT concat_ws('|', relacl::text LIKE '%,=r/%', obj_description(oid, 'pg_class'), (SELECT count(*) FROM parcels)) FROM pg_class WHERE oid = 'parcels'::regclass")
		if diff := cmp.Diff([]string{"t|sent|100"}, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// formChanges are changes of what the plan itself makes on an exchanged table. The table that an abort brings back would not have them.
var formChanges = []addition{
	{0, "ALTER INDEX by_note SET (fillfactor = 50)", "ALTER INDEX by_note RESET (fillfactor)", "index by_note of parcels"},
	{0, "DROP INDEX by_note; CREATE INDEX by_note ON parcels (note DESC)", "DROP INDEX by_note; CREATE INDEX by_note ON parcels (note)", "index by_note"},
	{0, "ALTER TABLE parcels CLUSTER ON by_note", "ALTER TABLE parcels SET WITHOUT CLUSTER", "index by_note of parcels"},
	{0, "ALTER INDEX parcels_pkey SET (fillfactor = 50)", "ALTER INDEX parcels_pkey RESET (fillfactor)", "primary key parcels_pkey of parcels"},
	{
		0, "ALTER TABLE parcels DROP CONSTRAINT known, ADD CONSTRAINT known CHECK (note <> 'never')",
		"ALTER TABLE parcels DROP CONSTRAINT known, ADD CONSTRAINT known CHECK (note <> '')", "check known of parcels",
	},
}

// The sequence of a replaced identity column has a new type, and is otherwise as before.
func TestReplacedIdentityKeepsItsSequence(t *testing.T) {
	t.Parallel()
	const base = `CREATE TABLE parcels (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, note text);`
	p := planned(t, base, `ALTER TABLE parcels ALTER COLUMN id TYPE bigint;`)
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		url := pgservertest.Database(t, major)
		run(t, url, base, `INSERT INTO parcels (note) SELECT 'x' FROM generate_series(1, 100) n; ALTER TABLE parcels ALTER id SET GENERATED ALWAYS`,
			`ALTER SEQUENCE parcels_id_seq INCREMENT 50 CACHE 10 CYCLE; GRANT USAGE ON SEQUENCE parcels_id_seq TO PUBLIC; COMMENT ON SEQUENCE
		parcels_id_seq IS 'blocks'`)
		runPlan(t, apply.Config{DB: url, Plan: p})
		run(t, url, "ALTER SEQUENCE parcels_id_seq MAXVALUE 1000000")
		want := "a|bigint|1|50|1000000|10|t|p|blocks|t"
		if major >= 15 {
			run(t, url, "ALTER SEQUENCE parcels_id_seq SET UNLOGGED")
			want = strings.Replace(want, "|p|", "|u|", 1)
		}
		finishPlan(t, apply.Config{DB: url, Plan: p, Through: onward.Contract})
		got := content(t, url, `SELECT concat_ws('|', attidentity, seqtypid::regtype, seqstart, seqincrement, seqmax, seqcache, seqcycle,
		relpersistence, obj_description(seqrelid, 'pg_class'), relacl::text LIKE '%=U/%')
			FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid JOIN pg_attribute a ON attrelid = 'parcels'::regclass AND attname = 'id' WHERE
		c.relname = 'parcels_id_seq'`)
		if diff := cmp.Diff([]string{want}, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// A view that a plan drops and creates again is as before, apart from its query.
func TestRemadeViewKeepsItsProperties(t *testing.T) {
	t.Parallel()
	const base = `CREATE TABLE parcels (id bigint PRIMARY KEY, note text); CREATE VIEW sent AS SELECT id, note FROM parcels WHERE id > 0;`
	p := planned(t, base, `DROP VIEW sent; ALTER TABLE parcels ALTER COLUMN note TYPE varchar(50); CREATE VIEW sent AS SELECT id, note FROM parcels
		WHERE id > 0;`)
	const properties = `SELECT concat_ws('|', 'view', (SELECT string_agg(x, ',' ORDER BY x) FROM unnest(reloptions) x), obj_description(c.oid,
		'pg_class'), pg_get_userbyid(relowner) = current_user, (SELECT string_agg(x::text, ',' ORDER BY x::text) FROM unnest(relacl) x))
			FROM pg_class c WHERE oid = 'sent'::regclass
		UNION ALL SELECT concat_ws('|', attname, attacl, col_description(attrelid, attnum), (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE
		adrelid = attrelid AND adnum = attnum)) FROM pg_attribute WHERE attrelid = 'sent'::regclass AND attnum > 0
		UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'sent'::regclass`
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		url := pgservertest.Database(t, major)
		run(t, url, base)
		sql := makeRoles(t, url, "reader", "writer")
		run(t, url, sql(`ALTER VIEW sent SET (security_barrier = true, check_option = local); COMMENT ON VIEW sent IS 'public'; COMMENT ON COLUMN
		sent.note IS 'typed';
			GRANT SELECT (note) ON sent TO @reader; GRANT SELECT ON sent TO @writer WITH GRANT OPTION; ALTER VIEW sent ALTER note SET DEFAULT 'none';
			CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER act INSTEAD OF INSERT ON sent FOR EACH
		ROW EXECUTE FUNCTION act();
			ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT UPDATE ON TABLES TO @reader`))
		if major >= 15 {
			run(t, url, "ALTER VIEW sent SET (security_invoker = true)")
		}
		runPlan(t, apply.Config{DB: url, Plan: p})
		run(t, url, "CREATE OR REPLACE VIEW sent WITH (security_barrier = true, check_option = local) AS SELECT id, note FROM parcels WHERE id > 1")
		contract := apply.Config{DB: url, Plan: p, Through: onward.Contract}
		_, err := apply.Run(t.Context(), contract)
		if refused := new(apply.RefusedError); !errors.As(err, &refused) || !strings.Contains(err.Error(), "view sent has another query") {
			t.Errorf("a changed query: %v", err)
		}
		invoker := ""
		if major >= 15 {
			invoker = ", security_invoker = true"
		}
		run(t, url, fmt.Sprintf("CREATE OR REPLACE VIEW sent WITH (security_barrier = true, check_option = local%s) AS SELECT id, note FROM parcels WHERE id > 0", invoker), sql("GRANT INSERT ON sent TO @writer"))
		want := content(t, url, properties)
		finishPlan(t, contract)
		if diff := cmp.Diff(want, content(t, url, properties)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}
