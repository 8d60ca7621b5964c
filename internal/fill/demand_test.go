package fill_test

import (
	"context"
	"errors"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/rotation"
)

// demandBase is what releases here begin with.
const demandBase = `
CREATE TYPE mood AS ENUM ('fine', 'sad', 'gone');
CREATE DOMAIN short AS text;
CREATE TABLE users (id bigint PRIMARY KEY, email text, name varchar(80), mood mood, born date, score bigint, code text, nick short, price numeric(10,2));
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, buyer text, begins timestamptz, ends timestamptz, room int, total int, currency text);
CREATE TABLE old_events (id bigint, at date NOT NULL);
`

// What a release adds to a table with rows: rows that meet it let it through, with as
// many as planned; rows that the base alone allows stop it.
var demanding = map[string]string{
	"not null":             "ALTER TABLE users ALTER COLUMN email SET NOT NULL",
	"unique":               "ALTER TABLE users ADD UNIQUE (email)",
	"unique index":         "CREATE UNIQUE INDEX ON users (lower(email))",
	"two columns":          "CREATE UNIQUE INDEX ON orders (room, currency)",
	"foreign key":          "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users",
	"not valid, validated": "ALTER TABLE orders ADD CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES users NOT VALID; ALTER TABLE orders VALIDATE CONSTRAINT fk",
	"to a key of its own":  "ALTER TABLE users ADD UNIQUE (code); ALTER TABLE orders ADD FOREIGN KEY (buyer) REFERENCES users (code)",
	"check":                "ALTER TABLE orders ADD CHECK (total > 0)",
	"check of a list":      "ALTER TABLE orders ADD CHECK (currency IN ('EUR', 'USD'))",
	"check of two columns": "ALTER TABLE orders ADD CHECK (begins < ends)",
	"check of a function":  "ALTER TABLE users ADD CHECK (email = lower(email) AND length(name) > 3)",
	"renamed": "ALTER TABLE orders RENAME COLUMN total TO cents; ALTER TABLE orders RENAME TO sales; " +
		"ALTER TABLE sales ADD CHECK (cents BETWEEN 1 AND 100)",
	"text to integer":   "ALTER TABLE users ALTER COLUMN code TYPE integer USING code::integer",
	"and a check of it": "ALTER TABLE users ALTER COLUMN code TYPE integer USING code::integer, ADD CHECK (code > 10)",
	"text to uuid":      "ALTER TABLE users ALTER COLUMN code TYPE uuid USING code::uuid",
	"text to timestamp": "ALTER TABLE users ALTER COLUMN code TYPE timestamptz USING code::timestamptz",
	"text to enum":      "CREATE TYPE kind AS ENUM ('a', 'b'); ALTER TABLE users ALTER COLUMN code TYPE kind USING code::kind",
	"enum to enum":      "CREATE TYPE tone AS ENUM ('fine', 'sad'); ALTER TABLE users ALTER COLUMN mood TYPE tone USING mood::text::tone",
	"narrower text":     "ALTER TABLE users ALTER COLUMN name TYPE varchar(12)",
	"narrower integer":  "ALTER TABLE users ALTER COLUMN score TYPE integer",
	"domain":            "ALTER DOMAIN short ADD CONSTRAINT few CHECK (length(VALUE) < 5)",
	"exclusion":         "ALTER TABLE orders ADD EXCLUDE USING gist (tstzrange(begins, ends) WITH &&)",
	"in a block":        "DO $$ BEGIN EXECUTE 'ALTER TABLE orders ADD CHECK (total % 2 = 0)'; END $$",
	"partition": "CREATE TABLE events (id bigint, at date NOT NULL) PARTITION BY RANGE (at); " +
		"ALTER TABLE events ATTACH PARTITION old_events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')",
	"several": "ALTER TABLE users ALTER COLUMN email SET NOT NULL, ADD UNIQUE (email), ADD CHECK (price > 5); " +
		"ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users, ALTER COLUMN user_id SET NOT NULL",
	"a circle": "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users; ALTER TABLE users ADD FOREIGN KEY (score) REFERENCES orders",
}

func TestDemands(t *testing.T) {
	t.Parallel()
	for name, release := range demanding {
		for _, major := range rotation.Pick(t, 2, majors) {
			t.Run(name+"/"+strconv.Itoa(major), func(t *testing.T) {
				t.Parallel()
				demands := demandsOf(t, major, demandBase, release)
				if len(demands) == 0 {
					t.Fatal("no demands")
				}
				const n = 2000
				plan := fill.Plan{Rows: map[string]int64{"users": n, "orders": n, "old_events": n}, Seed: 3}
				r, err := played(t, major, release, plan, fill.Release{Keep: demands})
				if len(r.Unmet) > 0 || len(r.Problems) > 0 || err != nil {
					t.Errorf("rows that meet %d demands: unmet %+v, problems %v: %v", len(demands), r.Unmet, r.Problems, err)
				}
				for _, x := range r.Tables {
					if x.Rows != n {
						t.Errorf("%s has %d rows", x.Relation, x.Rows)
					}
				}
				plan.Rows = map[string]int64{"users": 60, "orders": 60, "old_events": 60}
				_, err = played(t, major, release, plan, fill.Release{Break: demands})
				var pg *pgconn.PgError
				if !errors.As(err, &pg) || pg.Code[:2] != "23" && pg.Code[:2] != "22" {
					t.Errorf("rows that break it: %v", err)
				}
			})
		}
	}
}

// demandsOf returns the demands of a release.
func demandsOf(t *testing.T, major int, schema, release string) []*fill.Demand {
	t.Helper()
	url, conn := database(t, major, schema)
	base, err := fill.Read(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	run(t, conn, release)
	head, err := fill.Read(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	return base.ListDemands(head)
}

// played runs a release on rows.
func played(t *testing.T, major int, release string, plan fill.Plan, fillRelease fill.Release) (*fill.Result, error) {
	t.Helper()
	url, conn := database(t, major, demandBase)
	r, err := fill.FillDatabase(context.Background(), url, plan, fillRelease)
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(context.Background(), release, pgx.QueryExecModeSimpleProtocol)
	return r, err
}

// A release that asks for nothing that the base does not ask for makes no demands: also
// one that makes a constraint anew.
func TestNoDemands(t *testing.T) {
	t.Parallel()
	base := "CREATE TABLE a (id int PRIMARY KEY, v int NOT NULL CHECK (v > 0), w text); CREATE TABLE b (a_id int REFERENCES a)"
	for name, release := range map[string]string{
		"another table": "CREATE TABLE c (id int PRIMARY KEY, a_id int REFERENCES a)",
		"a new column":  "ALTER TABLE a ADD COLUMN x int; UPDATE a SET x = 1; ALTER TABLE a ALTER COLUMN x SET NOT NULL, ADD UNIQUE (x)",
		"made anew": "ALTER TABLE a DROP CONSTRAINT a_v_check; ALTER TABLE a ADD CONSTRAINT positive CHECK (v > 0); " +
			"ALTER TABLE b DROP CONSTRAINT b_a_id_fkey; ALTER TABLE b ADD CONSTRAINT other FOREIGN KEY (a_id) REFERENCES a",
		"a wider type": "ALTER TABLE a ALTER COLUMN v TYPE bigint, ALTER COLUMN w TYPE varchar",
		"loosened":     "ALTER TABLE a ALTER COLUMN v DROP NOT NULL",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := demandsOf(t, 18, base, release); len(d) > 0 {
				t.Errorf("%d demands, the first %+v", len(d), d[0])
			}
		})
	}
}

// A demand that cannot be met is left out and reported; the others are met.
func TestUnmet(t *testing.T) {
	t.Parallel()
	release := "ALTER TABLE orders ADD CONSTRAINT never CHECK (md5(coalesce(total, 0)::text) = 'x'), ADD CONSTRAINT always CHECK (room > 7)"
	demands := demandsOf(t, 18, demandBase, release)
	r, err := played(t, 18, "ALTER TABLE orders ADD CHECK (room > 7)", fill.Plan{Rows: map[string]int64{"orders": 500}, Seed: 1}, fill.Release{Keep: demands})
	if err != nil || len(r.Unmet) != 1 || r.Unmet[0].Demand.Name != "never" || len(r.Problems) > 0 || r.Tables[0].Rows != 500 {
		t.Errorf("fill 500 orders: error %v, result %+v; want one unmet demand: never", err, r)
	}
}

// The size of the rows is known before the first is sent, within half and double of the
// real size. The progress increases to the end.
func TestRoom(t *testing.T) {
	t.Parallel()
	url, conn := database(t, 18, demandBase)
	plan := fill.Plan{Rows: map[string]int64{"users": 20_000, "orders": 50_000}, Seed: 1}
	var tooMuch *fill.TooMuchError
	if _, err := fill.FillDatabase(context.Background(), url, plan, fill.Release{Room: 1 << 20}); !errors.As(err, &tooMuch) || tooMuch.Table != "public.orders" {
		t.Fatal(err)
	}
	if n := ask[int64](t, conn, "SELECT count(*) FROM users"); n != 0 {
		t.Errorf("%d rows", n)
	}
	var progress []fill.Progress
	if _, err := fill.FillDatabase(context.Background(), url, plan, fill.Release{
		Room: tooMuch.Bytes,
		Told: func(p fill.Progress) { progress = append(progress, p) },
	}); err != nil {
		t.Fatal(err)
	}
	actualBytes := ask[int64](t, conn, "SELECT pg_total_relation_size('users') + pg_total_relation_size('orders')")
	if tooMuch.Bytes < actualBytes/2 || tooMuch.Bytes > actualBytes*2 {
		t.Errorf("estimated %d bytes, and it is %d", tooMuch.Bytes, actualBytes)
	}
	for i := range progress {
		if i > 0 && progress[i].Done < progress[i-1].Done || progress[i].Done > progress[i].All || progress[i].Rows > progress[i].Of {
			t.Errorf("progress %d of %d goes back or exceeds its total: %+v", i, len(progress), progress[i])
		}
	}
	if last := progress[len(progress)-1]; len(progress) < 10 || last.Done != last.All || last.Rows != last.Of {
		t.Errorf("%d, the last %+v", len(progress), last)
	}
}
