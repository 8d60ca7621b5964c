package plan_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/config"
)

const months = `CREATE TABLE months (day date NOT NULL, id integer NOT NULL, customer_id integer, what text) PARTITION BY RANGE (day);
CREATE TABLE months_1 PARTITION OF months FOR VALUES FROM ('1900-01-01') TO ('2020-01-01');
CREATE TABLE months_2 PARTITION OF months FOR VALUES FROM ('2020-01-01') TO ('2100-01-01') PARTITION BY LIST (id);
CREATE TABLE months_2_rest PARTITION OF months_2 DEFAULT;
CREATE TABLE bounded (day date NOT NULL, id integer NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE bounded_1 PARTITION OF bounded FOR VALUES FROM ('1900-01-01') TO ('2020-01-01');
CREATE TABLE bounded_2 PARTITION OF bounded FOR VALUES FROM ('2020-01-01') TO ('2100-01-01');
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE kinds (id bigint PRIMARY KEY, doc json, at timestamp NOT NULL DEFAULT now(), short varchar(10), amount numeric(10, 2), feeling mood);
`

// Further changes, each proven on a server as the classic ones are; steps is what must stand in
// the plan, unproven what is missing.
var further = []struct {
	name, sql string
	major     int
	steps     []string
	unproven  string
}{
	{"partitioned index", "CREATE INDEX ON months (customer_id);", 13, []string{"ON ONLY months ", "CONCURRENTLY months_1_customer_id_idx", "ON ONLY months_2 ", "CONCURRENTLY months_2_rest_customer_id_idx", "ATTACH PARTITION months_2_customer_id_idx"}, ""},
	{"partitioned unique index", "CREATE UNIQUE INDEX months_once ON months USING btree (day, id) WHERE what IS NOT NULL;", 17, []string{"UNIQUE INDEX CONCURRENTLY months_1_day_id_idx"}, ""},
	{"partitioned foreign key 13", "ALTER TABLE months ADD CONSTRAINT months_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE SET NULL;", 13, []string{"months_1 VALIDATE", "months_2_rest VALIDATE"}, ""},
	{"partitioned foreign key 17", "ALTER TABLE months ADD FOREIGN KEY (customer_id) REFERENCES customers (id);", 17, []string{"months_1 VALIDATE"}, ""},
	{"partitioned foreign key 18", "ALTER TABLE months ADD FOREIGN KEY (customer_id) REFERENCES customers (id);", 18, []string{"ALTER TABLE months VALIDATE"}, ""},
	{"partitioned check", "ALTER TABLE months ADD CONSTRAINT months_id CHECK (id > -2147483000);", 17, []string{"months VALIDATE"}, ""},
	{"partitioned not null", "ALTER TABLE months ALTER COLUMN what SET NOT NULL;", 17, []string{"months VALIDATE"}, ""},
	{"partitioned rename", "ALTER TABLE months RENAME COLUMN what TO which;", 17, nil, "is partitioned"},
	{"detach", "ALTER TABLE bounded DETACH PARTITION bounded_1;", 17, []string{"DETACH PARTITION bounded_1 CONCURRENTLY", "DROP CONSTRAINT IF EXISTS bounded_1_day_check"}, ""},
	{"detach 13", "ALTER TABLE bounded DETACH PARTITION bounded_1;", 13, []string{"DETACH PARTITION bounded_1;"}, ""},
	{"enum value", "ALTER TYPE mood ADD VALUE 'calm' BEFORE 'happy';", 17, nil, ""},
	{"enum rename", "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';", 17, nil, "renamed for all code at once"},
	{"generated", "ALTER TABLE orders ADD COLUMN twice integer GENERATED ALWAYS AS (total / 2) STORED;", 17, nil, "a plain column that a trigger fills"},
	{"exclude", "ALTER TABLE orders ADD CONSTRAINT orders_one EXCLUDE (total WITH =);", 17, nil, "takes no index that was built before"},
	{"json", "ALTER TABLE kinds ALTER COLUMN doc TYPE jsonb;", 17, nil, ""},
	{"timestamptz", "ALTER TABLE kinds ALTER COLUMN at TYPE timestamptz USING at AT TIME ZONE 'UTC';", 17, nil, ""},
	{"wider text", "ALTER TABLE kinds ALTER COLUMN short TYPE text;", 17, nil, ""},
	{"wider numeric", "ALTER TABLE kinds ALTER COLUMN amount TYPE numeric(12, 2);", 17, nil, ""},
	{"other numeric", "ALTER TABLE kinds ALTER COLUMN amount TYPE numeric(12, 4);", 17, nil, ""},
	{"enum to text", "ALTER TABLE kinds ALTER COLUMN feeling TYPE text;", 17, nil, ""},
}

func TestFurther(t *testing.T) {
	t.Parallel()
	for _, c := range further {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := planOn(t, base+months, c.sql, c.major, &config.Config{Postgres: []int{c.major}})
			sql, missing := told(p), strings.Join(p.Proof.Missing, "\n")
			if p.Proof.Proven != (c.unproven == "") || !strings.Contains(missing, c.unproven) {
				t.Fatal(sql)
			}
			for _, want := range c.steps {
				if !strings.Contains(sql, want) {
					t.Errorf("no step has %q:\n%s", want, sql)
				}
			}
		})
	}
}
