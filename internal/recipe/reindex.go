package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// reindex builds each index again concurrently. If a build is interrupted, the undo drops the index that it leaves.
// https://www.postgresql.org/docs/current/sql-reindex.html#SQL-REINDEX-CONCURRENTLY
var reindex = &Recipe{Name: "reindex", Make: func(c *Change) *Steps {
	stmt := c.Node.GetReindexStmt()
	if stmt == nil || c.Result.NoTransaction != "" {
		return nil
	}
	r := c.resolveRelation(stmt.Relation)
	var list []*catalog.Relation
	switch {
	case r == nil:
		return nil
	case r.Kind == catalog.Index:
		list = []*catalog.Relation{r}
	case r.Kind == catalog.Table || r.Kind == catalog.MaterializedView:
		list = c.Before.IndexesOf(r)
	}
	if len(list) == 0 || slices.ContainsFunc(list, func(x *catalog.Relation) bool { return c.isExclusionIndex(x) }) {
		return nil // an index of an exclusion constraint cannot be built concurrently
	}
	m := &Steps{}
	for _, x := range list {
		fresh := &catalog.Relation{Name: catalog.Name{Schema: x.Name.Schema, Name: catalog.ObjectName(x.Name.Name, "", "ccnew")}}
		s := m.addStep(c.phaseAfterFills(onward.Expand), onward.StepConcurrent, "build index "+x.Name.Name+" again while others read and write",
			"REINDEX INDEX CONCURRENTLY "+tableName(x))
		s.Undo = []string{DropIndex(fresh.Name, true)}
	}
	return m
}}

// isExclusionIndex reports whether an index belongs to an exclusion constraint.
func (c *Change) isExclusionIndex(x *catalog.Relation) bool {
	if x.Index == nil {
		return true // nothing is known of it
	}
	t := c.Before.Relation(x.Index.Table)
	con := t.Constraint(x.Index.Constraint)
	return con != nil && con.Kind == catalog.Exclude
}
