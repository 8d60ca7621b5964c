package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// mostCachedQueries limits the queries that a step names.
const mostCachedQueries = 5

// findRetypedColumns returns the columns that have another type or collation after a step than before it: "orders.id". A server
// refuses prepared statements that return them. touched are the deployed relations that the step touches.
func findRetypedColumns(m *rule.Migration, touched map[string]*catalog.Relation) []string {
	if len(m.Statements) == 0 {
		return nil
	}
	before, after := m.Statements[0].Before, m.Statements[len(m.Statements)-1].After
	if before == nil || after == nil {
		return nil
	}
	var out []string
	for _, deployed := range touched {
		old := before.Relation(deployed.OID)
		if old == nil || old.Kind == catalog.Index {
			continue
		}
		fresh := after.Lookup(old.Name.Schema, old.Name.Name) // by its name, because a statement is parsed again
		if fresh == nil {
			continue
		}
		old.EachColumnPair(fresh, func(c, d *catalog.Column) {
			if c != d && !c.Inferred && !d.Inferred && (c.Type.String() != d.Type.String() || c.Collation != d.Collation) {
				out = append(out, strings.TrimPrefix(old.Name.Qualified(), "public.")+"."+c.Name)
			}
		})
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// addCachedQueries adds to the steps the queries of both codes whose results have other columns after the step. names are the steps
// of the verification; the new code counts from one of its points on.
func (v *prover) addCachedQueries(list []onward.Verdict, names []string, fresh int) {
	for i := range list {
		d := &list[i]
		isRelevant := d.Code == onward.NewCode && d.Point > fresh || d.Code == onward.OldCode && d.Point <= v.plan.Contract()
		if d.Kind != onward.VerdictResultShape || d.Point < 1 || !isRelevant {
			continue
		}
		index := slices.IndexFunc(v.plan.Steps, func(s onward.PlanStep) bool { return s.ID == names[d.Point-1] })
		if index < 0 {
			continue
		}
		s := &v.plan.Steps[index]
		if s.CachedPlans == nil {
			s.CachedPlans = &onward.CachedPlans{}
		}
		query := pgparse.ClipName(pgparse.SqueezeSQL(d.Query))
		if c := s.CachedPlans; len(c.Queries) < mostCachedQueries && !slices.Contains(c.Queries, query) {
			c.Queries = append(c.Queries, query)
		}
	}
}

// noteCachedPlans says which drivers the refused prepared statements hit.
func (p *planner) noteCachedPlans() {
	var steps []string
	for i := range p.plan.Steps {
		if p.plan.Steps[i].CachedPlans != nil {
			steps = append(steps, p.plan.Steps[i].ID)
		}
	}
	if len(steps) == 0 {
		return
	}
	if n := len(steps); n > 3 {
		steps = append(steps[:3:3], fmt.Sprintf("%d more", n-3))
	}
	words := "prepared statements: after " + strings.Join(steps, ", ") + " the server refuses some that were prepared before " +
		"(cached plan must not change result type, SQLSTATE 0A000). pgx fails once for each connection. JDBC, asyncpg and Rails fail once if they are in " +
		"a transaction, else they prepare again. Named statements of node-postgres, and psycopg in autocommit, fail until the connection is closed"
	p.plan.Notes = appendUnique(p.plan.Notes, []string{words})
}
