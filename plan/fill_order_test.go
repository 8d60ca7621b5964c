package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// What reads the rows of a table follows the step that fills it: the refresh of a materialized view, and setval() of the
// highest number.
func TestReadersFollowFills(t *testing.T) {
	t.Parallel()
	const base = "CREATE TABLE orders (id bigserial PRIMARY KEY, price int, customer_id bigint);\n" +
		"CREATE VIEW paid AS SELECT * FROM orders WHERE price > 0;\n" +
		"CREATE MATERIALIZED VIEW totals AS SELECT customer_id, sum(price) AS total FROM orders GROUP BY 1;\n" +
		"CREATE MATERIALIZED VIEW paid_totals AS SELECT customer_id, sum(price) AS total FROM paid GROUP BY 1;\n" +
		"CREATE MATERIALIZED VIEW numbers AS SELECT 1 AS one;\n" +
		"CREATE UNIQUE INDEX ON totals (customer_id); CREATE UNIQUE INDEX ON paid_totals (customer_id); CREATE UNIQUE INDEX ON numbers (one);\n"
	const update = "UPDATE orders SET price = 0 WHERE price IS NULL;\n"
	const copied = "CREATE TABLE items (id bigserial PRIMARY KEY, price int);\nINSERT INTO items (id, price) SELECT id, price FROM orders;\n"
	for release, want := range map[string]struct{ first, second, phase string }{
		update + "REFRESH MATERIALIZED VIEW CONCURRENTLY totals;\n":      {"UPDATE orders", "REFRESH", "backfill"},
		update + "REFRESH MATERIALIZED VIEW CONCURRENTLY paid_totals;\n": {"UPDATE orders", "REFRESH", "backfill"},
		update + "REFRESH MATERIALIZED VIEW CONCURRENTLY numbers;\n":     {"REFRESH", "UPDATE orders", "expand"},
		copied + "SELECT setval('items_id_seq', (SELECT max(id) FROM items));\n": {
			"INSERT INTO items", "setval", "left",
		},
		copied + "SELECT setval('items_id_seq', max(id)) FROM items;\n": {"INSERT INTO items", "setval", "left"},
	} {
		p := makePlan(t, plan.Config{Sketch: true, Config: rehearse.Config{
			Config: audit.Config{Dir: repository(t, base, release), Base: "main", Head: "feature"},
		}})
		stepByPart, phase := map[string]int{}, ""
		note := func(n int, text, in string) {
			for _, part := range []string{want.first, want.second} {
				if strings.Contains(text, part) {
					stepByPart[part] = n
				}
			}
			if strings.Contains(text, "REFRESH") || strings.Contains(text, "setval") {
				phase = in
			}
		}
		for i := range p.Steps {
			note(i+1, p.Steps[i].SQL, string(p.Steps[i].Phase))
		}
		for i := range p.Left {
			note(len(p.Steps)+i+1, p.Left[i].SQL, "left")
		}
		if stepByPart[want.first] == 0 || stepByPart[want.first] >= stepByPart[want.second] || phase != want.phase {
			t.Errorf("%s%v, in %s, not %v", release, stepByPart, phase, want)
		}
	}
}

// A unique index that breaks the deployed code, beside a key that gets another type: the plan asks whether the release makes
// the key's index, and CREATE INDEX adds no constraint.
func TestUniqueIndexBesideTypeChange(t *testing.T) {
	t.Parallel()
	dir := gittest.Commits(t, map[string]string{
		"migrations/00001_step.sql": "-- +goose Up\nCREATE TABLE users (id serial PRIMARY KEY, email text);\n",
		"store.go":                  "package store\n\nconst q = `SELECT id FROM users`\nconst s = `INSERT INTO users (email) VALUES ($1)`\n",
	}, map[string]string{
		"migrations/00002_step.sql": "-- +goose Up\nCREATE UNIQUE INDEX by_email ON users (email);\nALTER TABLE users ALTER COLUMN id TYPE bigint;\n",
	})
	p := sketchRelease(t, dir)
	for i := range p.Steps {
		if strings.Contains(p.Steps[i].SQL, "ADD COLUMN id_onward bigint") {
			return
		}
	}
	t.Errorf("no step gives users a new key: %v", p.Notes)
}

// A table that is filled from another, and takes its name in the same release, is not planned as one copy before the deploy.
func TestSwapsAreNotCopiedOnce(t *testing.T) {
	t.Parallel()
	const swap = "CREATE TABLE orders_new (id bigint PRIMARY KEY, price numeric);\nINSERT INTO orders_new SELECT id, price FROM orders;\n"
	for _, release := range []string{
		"LOCK TABLE orders IN SHARE ROW EXCLUSIVE MODE;\n" + swap + "ALTER TABLE orders RENAME TO orders_old;\nALTER TABLE orders_new RENAME TO orders;\n",
		swap + "DROP TABLE orders;\nALTER TABLE orders_new RENAME TO orders;\n",
		"-- +goose NO TRANSACTION\n" + swap + "ALTER TABLE orders RENAME TO orders_old;\nALTER TABLE orders_new RENAME TO orders;\n",
	} {
		p := makePlan(t, plan.Config{Sketch: true, Config: rehearse.Config{
			Config: audit.Config{Dir: repository(t, "CREATE TABLE orders (id bigint PRIMARY KEY, price int);\n", release), Base: "main", Head: "feature"},
		}})
		for i := range p.Steps {
			if strings.Contains(p.Steps[i].SQL, "INSERT INTO orders_new") && p.Steps[i].Phase == onward.Expand {
				t.Errorf("%s is copied before the deploy", release)
			}
		}
		if !strings.Contains(fmt.Sprint(p.Proof.Missing, p.Left), "what is written between the copy and the exchange would be lost") {
			t.Errorf("%s: the proof misses %q, left are %v, want the rows written before the exchange", release, p.Proof.Missing, p.Left)
		}
	}
}
