package apply_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/verify"
)

func sends(sql string) []*verify.Workload {
	return []*verify.Workload{{Schema: workload.Schema, Sources: []string{"record"}, Queries: []workload.Query{{
		ID: "00000000000000a1", Kind: workload.Select, SQL: sql, Calls: 7, Resolved: "server",
		Senders: []workload.Sender{{Application: "shop", Place: "orders#show", Calls: 7}},
	}}}}
}

// No contract begins if a query of the new code would fail after it; the query is not run on the target.
func TestContractWorkload(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base, rows)
	// A copy of the schema must handle extensions, views, functions, privileges and row-level security.
	run(t, db, `CREATE SCHEMA other; CREATE TYPE other.mood AS ENUM ('fine'); CREATE TABLE other.t (id bigint GENERATED ALWAYS AS IDENTITY, m other.mood DEFAULT 'fine'); CREATE VIEW other.v AS SELECT id FROM customers;
		CREATE FUNCTION other.f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM customers'; ALTER TABLE other.t ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON other.t USING (id > 0); GRANT SELECT ON other.t TO PUBLIC`)
	c := apply.Config{DB: db, Plan: p, Through: onward.Contract, Workload: sends("SELECT note FROM orders WHERE id = $1")}
	r, err := apply.Run(t.Context(), c)
	refused := new(apply.RefusedError)
	if !errors.As(err, &refused) || r == nil {
		t.Fatalf("the contract with a query of the old column = %+v, %v, want a refusal", r, err)
	}
	for _, want := range []string{"00000000000000a1", "42703", `column "note" does not exist`, "behind " + last(p, "note"), "shop"} {
		if !strings.Contains(refused.Text, want) {
			t.Errorf("%q is not in %s", want, refused.Text)
		}
	}
	for _, s := range r.Steps {
		if (s.State == onward.ApplyDone) == (s.Phase == onward.Contract) {
			t.Errorf("%s of %s is %s", s.ID, s.Phase, s.State)
		}
	}
	c.Workload = sends("SELECT remark FROM orders WHERE id = (SELECT other.f() / $1) AND EXISTS (SELECT 1 / 0 FROM other.v)")
	if r, err = apply.Run(t.Context(), c); err != nil || r.State != onward.ApplyDone {
		t.Fatalf("the contract with a query of the new column = %+v, %v, want it done", r, err)
	}
	if log, err := apply.Log(t.Context(), db, r.Plan, 100); err != nil ||
		!strings.Contains(content(t, db, "SELECT string_agg(event || ' ' || detail, E'\n') FROM onward_ledger.log")[0], "workload green 1 query of the new code") {
		t.Errorf("apply.Log = %+v, %v, want the event \"workload green\"", log, err)
	}
}

// last is the contract step that drops a column.
func last(p *onward.Plan, column string) string {
	for _, s := range p.Steps {
		if s.Phase == onward.Contract && strings.Contains(s.SQL, "DROP COLUMN "+column) {
			return s.ID
		}
	}
	return "no step"
}
