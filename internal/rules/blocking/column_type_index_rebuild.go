package blocking

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ColumnTypeIndexRebuild flags a change of a column's type that keeps the table but
// not its indexes: their order or operators become others.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
var ColumnTypeIndexRebuild = &rule.Rule{
	ID:       "column-type-index-rebuild",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "a change of a column's type or collation that keeps the table rebuilds the indexes on the column while nobody can read it",
	Harm: "The values stay as they are, but an index on the column with another operator class or collation, " +
		"a condition or an expression is built anew under ACCESS EXCLUSIVE. Every query waits.",
	Instead:   "Drop the index CONCURRENTLY first and build it CONCURRENTLY afterwards; where queries cannot do without it, go by way of a new column.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES"},
	Kinds:     rule.AlterTable,
	Statement: checkTypeIndexRebuild,
}

func checkTypeIndexRebuild(p *rule.Pass, s *rule.Stmt) {
	for _, r := range listRetypings(p, s) {
		alone := p.EffectsAlone(r.Command)
		e := p.FindBlocked(alone, analysis.RebuildsIndex)
		if e == nil || p.FindBlocked(alone, analysis.IsRewritten) != nil || p.FindBlocked(&s.Result, analysis.RebuildsIndex) == nil {
			continue
		}
		index, drop, build, backing, unique := "", "", "", false, false
		for i := range alone.Effects {
			if x := &alone.Effects[i]; x.RebuildsIndex && x.Name != e.Name {
				index = x.Name.Name
				if rel := s.Before.Relation(x.OID); rel != nil && rel.Index != nil {
					backing, unique = rel.Index.Constraint != "", rel.Index.Unique
					if r.table.Kind != catalog.PartitionedTable { // CONCURRENTLY is refused
						drop, build = recipe.DropIndex(rel.Name, false), recipe.BuildIndex(r.table, rel)
					}
				}
				break
			}
		}
		indexes, advice := "its indexes", "drop the indexes on it CONCURRENTLY before, and build them CONCURRENTLY afterwards"
		if index != "" {
			indexes = "index " + index
		}
		if backing || unique {
			reason := "a constraint uses it"
			if !backing {
				reason = "it keeps duplicates out, and ON CONFLICT may need it"
			}
			advice = reason + ": copy into a column of the new type while the old one stays in use:\n" + r.replaceColumnSQL()
		} else if build != "" {
			advice = "drop the index before, and build it again afterwards, both without blocking anyone:\n" + drop + ";\n" + s.SQL + ";\n" + build + ";"
		}
		p.Report(r, newWaitReport(e, "changing "+r.describeChange()+" rebuilds "+indexes+" of "+e.Name.String(), "until it is built", advice))
	}
}
