package plan_test

import (
	"strings"
	"testing"
)

const visits = `CREATE TABLE visitors (id bigint PRIMARY KEY, name text);
CREATE TABLE visits (id bigserial PRIMARY KEY, visitor_id bigint NOT NULL REFERENCES visitors ON DELETE CASCADE, at timestamptz NOT NULL DEFAULT now(), what text DEFAULT 'x' CHECK (what <> ''), mail text);
CREATE INDEX visits_at_idx ON visits (at) WHERE what IS NOT NULL;
CREATE INDEX ON visits (visitor_id);
COMMENT ON TABLE visits IS 'who''s there';
CREATE TABLE steps (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, visit_id bigint NOT NULL, title text, note text);
CREATE TRIGGER watched BEFORE UPDATE ON steps FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE TABLE logs (id bigserial, at timestamptz NOT NULL, what text CHECK (what <> ''), visitor_id bigint REFERENCES visitors, PRIMARY KEY (id, at));
CREATE TABLE marks (id bigint PRIMARY KEY, step_id bigint REFERENCES steps ON DELETE CASCADE);
`

// A table that becomes a partitioned one, however the release says it.
var partitionedTables = []change{
	{"renamed away, copied, dropped", `ALTER TABLE visits RENAME TO visits_old;
CREATE TABLE visits (id bigint NOT NULL DEFAULT nextval('visits_id_seq'), visitor_id bigint NOT NULL REFERENCES visitors ON DELETE CASCADE, at timestamptz NOT NULL DEFAULT now(), what text DEFAULT 'x' CHECK (what <> ''), mail text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE INDEX visits_by_at ON visits (at) WHERE what IS NOT NULL;
CREATE INDEX ON visits (visitor_id);
CREATE TABLE visits_2024 PARTITION OF visits FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE visits_2025 PARTITION OF visits FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY RANGE (id);
CREATE TABLE visits_2025_rest PARTITION OF visits_2025 DEFAULT;
CREATE TABLE visits_rest PARTITION OF visits DEFAULT;
INSERT INTO visits SELECT * FROM visits_old;
ALTER SEQUENCE visits_id_seq OWNED BY visits.id;
DROP TABLE visits_old;
COMMENT ON TABLE visits IS 'who''s there';`, 17, []string{"ADD CONSTRAINT visits_pkey1 PRIMARY KEY (id, at)", "visits is not unique by (id) any more"}, ""},
	{"made beside, copied, renamed", `CREATE TABLE steps_new (id bigint GENERATED ALWAYS AS IDENTITY, visit_id bigint NOT NULL, title text, note text, CONSTRAINT steps_id PRIMARY KEY (id)) PARTITION BY HASH (id);
CREATE TABLE steps_0 PARTITION OF steps_new FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE steps_1 PARTITION OF steps_new FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO steps_new (id, visit_id, title, note) OVERRIDING SYSTEM VALUE SELECT id, visit_id, title, note FROM steps;
SELECT setval(pg_get_serial_sequence('steps_new', 'id'), (SELECT max(id) FROM steps));
ALTER TABLE marks DROP CONSTRAINT marks_step_id_fkey;
DROP TABLE steps;
ALTER TABLE steps_new RENAME TO steps;
ALTER TABLE marks ADD CONSTRAINT marks_step_id_fkey FOREIGN KEY (step_id) REFERENCES steps ON DELETE CASCADE;`, 17, nil, ""},
	{"the old one stays", `ALTER TABLE steps RENAME TO steps_was;
ALTER INDEX steps_pkey RENAME TO steps_was_pkey;
CREATE TABLE steps (LIKE steps_was INCLUDING DEFAULTS INCLUDING IDENTITY, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE steps_all PARTITION OF steps DEFAULT;
INSERT INTO steps OVERRIDING SYSTEM VALUE SELECT * FROM steps_was;
CREATE TRIGGER seen BEFORE UPDATE ON steps FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
SELECT setval('steps_id_seq1', (SELECT max(id) FROM steps));`, 14, []string{
		"ALTER TABLE steps_was DISABLE TRIGGER watched", "trigger watched of steps is none of the partitioned table's",
	}, ""},
	{"a partition as it stands", `ALTER TABLE logs RENAME TO logs_before;
ALTER INDEX logs_pkey RENAME TO logs_before_pkey;
CREATE TABLE logs (LIKE logs_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE INDEX logs_what_idx ON logs (what);
ALTER TABLE logs ADD CONSTRAINT logs_visitor_id_fkey FOREIGN KEY (visitor_id) REFERENCES visitors;
ALTER TABLE logs ATTACH PARTITION logs_before FOR VALUES FROM (MINVALUE) TO ('2100-01-01');
CREATE TABLE logs_2100 PARTITION OF logs FOR VALUES FROM ('2100-01-01') TO ('2101-01-01');
ALTER SEQUENCE logs_id_seq OWNED BY logs.id;`, 17, []string{
		"ADD CONSTRAINT logs_bounds_check CHECK (at IS NOT NULL AND at < '2100-01-01') NOT VALID",
		"CREATE INDEX CONCURRENTLY logs_before_what_idx ON logs ",
	}, ""},
	{"a partition as it stands, by another key", `ALTER TABLE visits RENAME TO visits_old;
ALTER TABLE visits_old DROP CONSTRAINT visits_pkey, ADD PRIMARY KEY (id, at);
CREATE TABLE visits (LIKE visits_old INCLUDING DEFAULTS INCLUDING CONSTRAINTS, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE visits_2100 PARTITION OF visits FOR VALUES FROM ('2100-01-01') TO ('2101-01-01');
ALTER TABLE visits ATTACH PARTITION visits_old DEFAULT;`, 14, []string{
		"visits is not unique by (id) any more", "ADD CONSTRAINT visits_old_pkey PRIMARY KEY USING INDEX",
	}, ""},
	{"other rows", `ALTER TABLE steps RENAME TO steps_was; CREATE TABLE steps (id bigint, visit_id bigint NOT NULL, title text, note text) PARTITION BY HASH (id); CREATE TABLE steps_0 PARTITION OF steps FOR VALUES WITH (MODULUS 1, REMAINDER 0);
INSERT INTO steps SELECT id, visit_id, upper(title), note FROM steps_was;`, 17, nil, "gives steps other rows"},
	{
		"no rows, another unique key, a view",
		`CREATE VIEW seen AS SELECT id FROM steps; ALTER TABLE steps RENAME TO steps_was; CREATE TABLE steps (id bigint, visit_id bigint NOT NULL, title text, note text, UNIQUE (visit_id)) PARTITION BY HASH (visit_id); CREATE TABLE steps_0 PARTITION OF steps FOR VALUES WITH (MODULUS 1, REMAINDER 0);`,
		17, nil, "copied by 0 statements",
	},
}

// All that counts on the table itself, and not on its name, is named.
func TestShadowInTheWay(t *testing.T) {
	t.Parallel()
	const base = `CREATE TABLE t (id bigint PRIMARY KEY, up bigint REFERENCES t, a text);
CREATE TABLE d (id bigint PRIMARY KEY DEFERRABLE);
CREATE VIEW look AS SELECT a FROM t;
CREATE POLICY mine ON t USING (a = 'x');
CREATE STATISTICS together ON id, a FROM t;
CREATE PUBLICATION out FOR TABLE t;
CREATE RULE noted AS ON DELETE TO t DO INSTEAD NOTHING;
CREATE TRIGGER seen BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE FUNCTION of(t) RETURNS text LANGUAGE sql AS 'SELECT 1::text';
CREATE TABLE p (id bigint PRIMARY KEY, up bigint REFERENCES p);
CREATE TABLE rows (id bigint PRIMARY KEY, whole p);`
	p := planOf(t, base, &change{
		sql: "ALTER TABLE t ADD COLUMN b text GENERATED ALWAYS AS (upper(a)) STORED; ALTER TABLE d ADD COLUMN b bigint GENERATED ALWAYS AS (id) STORED; " +
			"ALTER TABLE p RENAME TO p_was; CREATE TABLE p (id bigint PRIMARY KEY, up bigint REFERENCES p) PARTITION BY HASH (id); " +
			"CREATE TABLE p_0 PARTITION OF p FOR VALUES WITH (MODULUS 1, REMAINDER 0); INSERT INTO p SELECT * FROM p_was;",
		major:    17,
		unproven: "x",
	}, true)
	missing := strings.Join(p.Proof.Missing, "\n")
	for _, want := range []string{
		"look reads t", "t has policies", "t has statistics objects", "t is in a publication", "t has rules",
		"trigger seen of t", "function of takes", "rows has columns of the type", "refers to p itself",
		"primary key of d is deferrable",
	} {
		if !strings.Contains(missing, want) {
			t.Errorf("nothing says %q:\n%s", want, missing)
		}
	}
}

func TestPartitionedTables(t *testing.T) {
	t.Parallel()
	proven(t, visits, partitionedTables)
}
