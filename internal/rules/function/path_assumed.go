package function

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// PathAssumed flags an index or materialized view that is computed by a function whose body names something without its schema.
// https://www.postgresql.org/docs/17/release-17.html#RELEASE-17-MIGRATION
var PathAssumed = &rule.Rule{
	ID:       "function-path-assumed",
	Category: onward.ReleaseOrder,
	Severity: onward.Error,
	Stops:    true,
	Since:    17,
	Summary:  "an index or materialized view is computed by a function that names something without its schema",
	Harm: "From Postgres 17 on, CREATE INDEX, REINDEX, CLUSTER, VACUUM FULL, CREATE MATERIALIZED VIEW and REFRESH run functions with the search_path " +
		"pg_catalog, pg_temp. A name without a schema in the body of such a function is not found, and the statement fails at the first row. " +
		"CONCURRENTLY leaves an invalid index.",
	Instead: "Give the function its own search_path (ALTER FUNCTION … SET search_path = public), or write the schema before each name of its body.",
	Manual: []string{
		"https://www.postgresql.org/docs/17/release-17.html#RELEASE-17-MIGRATION", "https://www.postgresql.org/docs/current/sql-createfunction.html",
	},
	Statement: checkPathAssumed,
}

func checkPathAssumed(p *rule.Pass, s *rule.Stmt) {
	if s.IsOptional() || s.Result.Refused != nil {
		return
	}
	c := s.Before
	var exprs []*pgparse.Node
	var object string
	switch n := pgparse.Unwrap(s.Node).(type) {
	case *pgparse.IndexStmt:
		if t, _ := c.Resolve(n.GetRelation()); t.Kind.IsTable() && !p.InUse(t) {
			return // it has no rows that the function would be called for
		}
		object = "index " + n.GetIdxname()
		exprs = append(exprs, n.GetWhereClause())
		for _, e := range n.GetIndexParams() {
			exprs = append(exprs, e.GetIndexElem().GetExpr())
		}
	case *pgparse.CreateTableAsStmt:
		if n.GetObjtype() != pgparse.ObjectType_OBJECT_MATVIEW || n.GetInto().GetSkipData() {
			return
		}
		object = "materialized view " + n.GetInto().GetRel().GetRelname()
		exprs = append(exprs, n.GetQuery())
	case *pgparse.RefreshMatViewStmt:
		v, _ := c.Resolve(n.GetRelation())
		if n.GetSkipData() || v.View == nil {
			return
		}
		object = "materialized view " + v.Name.String()
		exprs = append(exprs, v.View.Query)
	default:
		for i := range s.Result.Effects {
			e := &s.Result.Effects[i]
			r := c.Relation(e.OID)
			if r == nil || !e.RebuildsIndex && !e.Rewrites || !isMaintenance(s.Node) {
				continue
			}
			indexes := c.IndexesOf(r)
			if r.Index != nil {
				indexes = []*catalog.Relation{r}
			}
			for _, x := range indexes {
				exprs = append(exprs, x.Index.Predicate)
				for _, key := range x.Index.Keys {
					exprs = append(exprs, key.Expr)
				}
				object = "index " + x.Name.String()
				if reportUnqualified(p, s, object, exprs) {
					return
				}
				exprs = nil
			}
		}
		return
	}
	reportUnqualified(p, s, object, exprs)
}

// isMaintenance reports whether a statement is one for which the server sets a safe search_path. ALTER TABLE keeps the session's.
func isMaintenance(n *pgparse.Node) bool {
	return n.GetReindexStmt() != nil || n.GetClusterStmt() != nil || n.GetVacuumStmt() != nil
}

// reportUnqualified reports the first function of expressions that names something without its schema.
func reportUnqualified(p *rule.Pass, s *rule.Stmt, object string, exprs []*pgparse.Node) bool {
	u := findAssumedPath(s.Before, exprs)
	if u == nil {
		return false
	}
	r := rule.Report{
		Fact:    object + " is computed by function " + u.fn.Signature() + ", which names " + u.name + " without its schema",
		Instead: u.adviseFix(),
	}
	const mechanism = "the server runs the function with search_path = pg_catalog, pg_temp, and "
	r.Harm = "the statement fails at the first row: " + mechanism + u.name + " does not exist there"
	if u.maybe {
		r.Severity = onward.Warning
		r.Harm = "the statement may fail: " + mechanism + u.name + " does not exist there"
	}
	p.Report(s, r)
	return true
}
