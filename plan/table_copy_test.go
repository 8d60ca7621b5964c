package plan_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// copyBase has tables whose rows releases copy.
const copyBase = `
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE cities (id int PRIMARY KEY, name text);
CREATE TABLE orders (id bigserial PRIMARY KEY, total int, city_id int REFERENCES cities, code text UNIQUE, feeling mood,
	created_at timestamptz NOT NULL DEFAULT now(), doc jsonb, weight int NOT NULL DEFAULT 1 CHECK (weight > 0),
	price numeric(12, 4), parent_id bigint REFERENCES orders);
CREATE TABLE lines (region int, number int, text varchar(40), PRIMARY KEY (region, number));
CREATE TABLE keyless (a int, b text);
`

// TestTableCopies plans statements that copy a deployed table into a new one. The proof compares the rows with the release's own.
func TestTableCopies(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		release string
		want    string // part of a step's SQL
	}{
		"plain": {
			"CREATE TABLE invoices (id bigint PRIMARY KEY, total int); INSERT INTO invoices (id, total) SELECT id, total FROM orders;",
			"BEFORE TRUNCATE ON orders",
		},
		"in another way": {
			"CREATE TABLE invoices (total int, id bigint, UNIQUE (id)); INSERT INTO invoices SELECT o.total, o.id FROM public.orders AS o " +
				"ON CONFLICT (id) DO NOTHING;",
			"FOR SHARE OF o ON CONFLICT DO NOTHING",
		},
		"star": {
			"CREATE TABLE others (LIKE lines INCLUDING ALL); INSERT INTO others SELECT * FROM lines;",
			"SELECT * FROM (SELECT NEW.*) AS lines",
		},
		"child": {
			"CREATE TABLE notes (order_id bigint PRIMARY KEY REFERENCES orders, doc jsonb NOT NULL DEFAULT '{}'); INSERT INTO notes " +
				"SELECT id, coalesce(doc, '{}') FROM orders;",
			"",
		},
		"source dropped": {
			"CREATE TABLE others (region int, number int, text text, PRIMARY KEY (number, region)); INSERT INTO others SELECT region, " +
				"number, text FROM lines; DROP TABLE lines;",
			"DROP TABLE lines",
		},
		"column dropped": {
			"CREATE TABLE docs (id bigint PRIMARY KEY, doc jsonb); INSERT INTO docs SELECT id, doc FROM orders; ALTER TABLE orders DROP " +
				"COLUMN doc;",
			"AFTER UPDATE ON orders FOR EACH ROW WHEN (pg_catalog.record_image_ne(ROW(NEW.id, NEW.doc), ROW(OLD.id, OLD.doc)))",
		},
		"expressions": {
			"CREATE TABLE invoices (id bigint PRIMARY KEY, code varchar(500), cents numeric(20, 2), kind text NOT NULL, at timestamptz, " +
				"local timestamp, mood mood, label text); INSERT INTO invoices SELECT id, upper(code) AS code, price * 100, 'order', " +
				"created_at, created_at AT TIME ZONE 'UTC', feeling, concat(code, ' -- ', weight) FROM orders;",
			"",
		},
		"condition": {
			"CREATE TABLE invoices (id bigint PRIMARY KEY, total int NOT NULL); INSERT INTO invoices (SELECT id, total -- in cents\nFROM " +
				"orders WHERE total IS NOT NULL AND (code > 'm' OR code IS NULL) -- paid\n); CREATE INDEX ON invoices (total);",
			"onward_was := EXISTS",
		},
		"keys and checks": {
			"CREATE TABLE invoices (id bigint DEFAULT nextval('orders_id_seq') PRIMARY KEY, code text UNIQUE, city_id int REFERENCES " +
				"cities, load int NOT NULL CHECK (load > 0), note text DEFAULT 'x' CHECK (note <> '')); INSERT INTO invoices (id, code, " +
				"city_id, load) SELECT id, code, city_id, weight FROM orders;",
			"",
		},
		"own key beside": {
			"CREATE TABLE invoices (number bigserial PRIMARY KEY, order_id bigint NOT NULL UNIQUE, made timestamptz DEFAULT now()); " +
				"INSERT INTO invoices (order_id) SELECT id FROM orders;",
			"",
		},
		"and then used": {
			"CREATE TABLE docs (id bigint PRIMARY KEY, doc jsonb); INSERT INTO docs SELECT id, doc FROM orders; CREATE SEQUENCE " +
				"doc_numbers; SELECT setval('doc_numbers', (SELECT max(id) FROM docs) + 5);",
			"",
		},
		"the time and random keys": {
			"CREATE TABLE docs (key uuid NOT NULL, id bigint PRIMARY KEY, code text, made timestamp(3) NOT NULL, changed timestamptz NOT NULL); " +
				"INSERT INTO docs SELECT gen_random_uuid(), id, code, CURRENT_TIMESTAMP, now() FROM orders;",
			"gen_random_uuid(), id, code",
		},
		"own schema": {
			`CREATE SCHEMA "my app"; CREATE TABLE "my app"."The Lines" ("Nr" int, "Region" int, "found" varchar(40), PRIMARY KEY ("Region", ` +
				`"Nr")); INSERT INTO "my app"."The Lines" SELECT number, region, text AS "new" FROM lines AS "old" WHERE "old".text LIKE 'a%' OR ` +
				`"old".region > 5;`,
			"",
		},
	}
	majors := []int{13, 18}
	for i, name := range rotation.Pick(t, 4, sortedNames(cases)) {
		tc := cases[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := planned(t, copyBase, tc.release, majors[i%2], nil, rounds() == 0 && i%2 > 0)
			if sql := told(p); !p.Proof.Proven || !strings.Contains(sql, tc.want) || !strings.Contains(sql, "AFTER INSERT ON") {
				t.Errorf("%q is wanted in:\n%s", tc.want, sql)
			}
		})
	}
}

// A copy that no trigger can repeat row by row is not planned, with the reason.
func TestTableCopiesNotPlanned(t *testing.T) {
	t.Parallel()
	const invoices = "CREATE TABLE invoices (id bigint PRIMARY KEY, total bigint, code text);"
	for name, c := range map[string]struct{ release, missing string }{
		"join": {
			invoices + "INSERT INTO invoices SELECT o.id, 1 FROM orders o JOIN cities c ON c.id = o.city_id;",
			"it reads more than one table",
		},
		"aggregate":       {invoices + "INSERT INTO invoices SELECT max(id), total FROM orders GROUP BY total;", "is made of several of orders"},
		"distinct":        {invoices + "INSERT INTO invoices SELECT DISTINCT id, total FROM orders;", "is made of several of orders"},
		"limit":           {invoices + "INSERT INTO invoices SELECT id, total FROM orders OFFSET 5;", "has a limit"},
		"union":           {invoices + "INSERT INTO invoices SELECT id, total FROM orders UNION ALL SELECT 5, 6;", "more than one table"},
		"subquery":        {invoices + "INSERT INTO invoices SELECT id, (SELECT count(*) FROM cities) FROM orders;", "a subquery"},
		"subquery, where": {invoices + "INSERT INTO invoices SELECT id, total FROM orders WHERE city_id IN (SELECT id FROM cities);", "a subquery"},
		"upsert": {
			invoices + "INSERT INTO invoices SELECT id, total FROM orders ON CONFLICT (id) DO UPDATE SET total = 1;",
			"ON CONFLICT DO UPDATE",
		},
		"returning": {invoices + "INSERT INTO invoices SELECT id, total FROM orders RETURNING id;", "RETURNING"},
		"with":      {invoices + "INSERT INTO invoices WITH x AS (SELECT 1) SELECT id, total FROM orders;", "WITH query"},
		"key of its own": {
			"CREATE TABLE invoices (id bigserial PRIMARY KEY, total int); INSERT INTO invoices (total) SELECT total FROM orders;",
			"the key of orders (id) is not copied",
		},
		"not unique": {
			"CREATE TABLE invoices (id bigint, total int); INSERT INTO invoices SELECT id, total FROM orders;",
			"no primary key or unique key of (id)",
		},
		"numbers": {
			"CREATE TABLE invoices (id bigserial PRIMARY KEY, total int); INSERT INTO invoices SELECT id, total FROM orders;",
			"a sequence of its own",
		},
		"no key": {"CREATE TABLE invoices (a int PRIMARY KEY); INSERT INTO invoices SELECT a FROM keyless;", "keyless has no primary key"},
		"time": {
			"CREATE TABLE invoices (id bigint PRIMARY KEY, at timestamptz); INSERT INTO invoices SELECT id, CASE WHEN total > 5 THEN now() END FROM orders;",
			"now() is not known to be immutable",
		},
		"time zone": {
			"CREATE TABLE invoices (id bigint PRIMARY KEY, day date); INSERT INTO invoices SELECT id, created_at::date FROM orders;",
			"depends on the settings",
		},
		"time zone, plain": {
			"CREATE TABLE invoices (id bigint PRIMARY KEY, day date); INSERT INTO invoices SELECT id, created_at FROM orders;",
			"by the settings of the session",
		},
		"time, where": {
			invoices + "INSERT INTO invoices SELECT id, total FROM orders WHERE created_at > '2024-01-01';",
			"may depend on the settings",
		},
		"not null": {
			"CREATE TABLE invoices (id bigint PRIMARY KEY, total int NOT NULL); INSERT INTO invoices SELECT id, total FROM orders;",
			"its value may be NULL",
		},
		"check": {
			"CREATE TABLE invoices (id bigint PRIMARY KEY, total int CHECK (total > 0)); INSERT INTO invoices SELECT id, total FROM " +
				"orders;",
			"may refuse writes",
		},
		"unique": {
			"CREATE TABLE invoices (id bigint PRIMARY KEY, total int UNIQUE); INSERT INTO invoices SELECT id, total FROM orders;",
			"is unique by",
		},
		"foreign key": {
			"CREATE TABLE invoices (id bigint PRIMARY KEY, city_id bigint REFERENCES cities ON DELETE CASCADE, weight int REFERENCES " +
				"cities); INSERT INTO invoices SELECT id, city_id, weight FROM orders;",
			"invoices_weight_fkey",
		},
		"tree": {
			"CREATE TABLE invoices (id bigint PRIMARY KEY, parent_id bigint REFERENCES invoices); INSERT INTO invoices SELECT id, " +
				"parent_id FROM orders;",
			"invoices_parent_id_fkey",
		},
		"referred": {
			invoices + "INSERT INTO invoices SELECT id, total FROM orders; CREATE TABLE items (id int PRIMARY KEY, invoice_id bigint REFERENCES " +
				"invoices);",
			"would refuse a DELETE",
		},
		"trigger": {
			invoices + "INSERT INTO invoices SELECT id, total FROM orders; CREATE TRIGGER x BEFORE UPDATE ON invoices FOR EACH ROW EXECUTE FUNCTION " +
				"suppress_redundant_updates_trigger();",
			"has triggers",
		},
		"seeds": {invoices + "INSERT INTO invoices SELECT id, total FROM orders; UPDATE invoices SET total = 5;", "writes invoices, too"},
		"source changed": {
			invoices + "INSERT INTO invoices SELECT id, total FROM orders; UPDATE orders SET total = NULL WHERE id > 5;",
			"changes rows of orders after the copy",
		},
		"source renamed": {
			invoices + "INSERT INTO invoices SELECT id, total, code FROM orders; ALTER TABLE orders RENAME COLUMN code TO reference;",
			"another name or type",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := makePlan(t, plan.Config{Sketch: true, Config: rehearse.Config{Config: audit.Config{
				Dir: repository(t, copyBase, c.release), Base: "main", Head: "feature", Settings: &config.Config{Postgres: []int{17}},
			}}})
			missing := strings.Join(p.Proof.Missing, "\n")
			if !strings.Contains(missing, "no trigger can copy later writes") || !strings.Contains(missing, c.missing) {
				t.Errorf("%q is wanted in what is missing:\n%s", c.missing, told(p))
			}
			for i := range p.Steps {
				if b := p.Steps[i].Backfill; b != nil && strings.Contains(b.Work, "INTO invoices") {
					t.Errorf("step %s copies rows", p.Steps[i].ID)
				}
			}
		})
	}
}
