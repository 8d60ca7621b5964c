package constraint

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// DropOnConflict flags a unique constraint or index that goes away without a
// successor: ON CONFLICT needs one.
// https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT
var DropOnConflict = &rule.Rule{
	ID:       "constraint-drop-on-conflict",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "without its unique constraint or index an upsert of the deployed code fails",
	Harm: "INSERT … ON CONFLICT (columns) needs a unique index on exactly these columns, and one that is not deferrable. " +
		"Without it each such INSERT fails with \"there is no unique or exclusion constraint matching the ON CONFLICT specification\", " +
		"not only the conflicting ones. The duplicates that the constraint held off come in, too.",
	Instead: "Keep it until no deployed code names its columns in ON CONFLICT. To replace it, build the new index first, and drop the old one in a later release.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT"},
	Commit:  checkDropOnConflict,
}

// unservedArbiter is a unique index that ON CONFLICT of the deployed code finds no more.
type unservedArbiter struct {
	*rule.Delta
	idx *catalog.Relation
	// fact describes what happens to it. instead is the fix, "" for keeping it.
	fact, instead string
	// several: the table had more unique indexes with conditions.
	several bool
}

func checkDropOnConflict(p *rule.Pass, t *rule.Tx) {
	var reportedIndexes []catalog.OID
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if !p.IsDeployed(d) {
			continue
		}
		if d.Kind == catalog.RelationDropped || d.Kind == catalog.RelationRenamed {
			judgeSuccessorKeys(p, t, d)
		}
		if d.After == nil {
			continue
		}
		x := unservedArbiter{Delta: d}
		switch {
		case d.Kind == catalog.ConstraintDropped && d.OldConstraint.Inferred:
			if k := d.OldConstraint.Kind; (k == catalog.Unique || k == catalog.Exclude) && !isKeyRecreated(t, d) {
				x.fact = k.String() + " " + d.OldConstraint.Name + " of " + d.After.Name.String() + " is dropped"
				x.reportArbiter(p)
			}
			continue
		case d.Kind == catalog.ConstraintDropped && (d.OldConstraint.Kind == catalog.Unique || d.OldConstraint.Kind == catalog.Exclude) &&
			!d.OldConstraint.Deferrable:
			x.idx, x.fact = d.OldIndex, d.OldConstraint.Kind.String()+" "+d.OldConstraint.Name
		case d.Kind == catalog.IndexDropped && d.OldIndex.Index.Unique && d.OldIndex.Index.Constraint == "":
			x.idx, x.fact = d.OldIndex, "unique index "+d.OldIndex.Name.Name
		case d.Kind == catalog.ColumnRenamed:
			for _, x := range listCarriedIndexes(t, d) {
				if !slices.Contains(reportedIndexes, x.idx.OID) {
					reportedIndexes = append(reportedIndexes, x.idx.OID)
					x.judgeArbiter(p, t)
				}
			}
			continue
		}
		x.fact += " of " + d.After.Name.String() + " is dropped without a successor"
		x.judgeArbiter(p, t)
	}
}

func (x *unservedArbiter) judgeArbiter(p *rule.Pass, t *rule.Tx) {
	d := x.Delta
	if x.idx == nil || p.IsNew(x.idx.OID) || !x.idx.Index.Valid || isColumnGone(d.Before, d.After, x.idx) || hasOtherArbiter(t.After, d.Before, d.After, x.idx) {
		return
	}
	x.several = hasConditionalIndex(t.Before, d.Before, x.idx)
	x.reportArbiter(p)
}

// hasConditionalIndex reports whether a table has a unique index with a condition beside one.
func hasConditionalIndex(c *catalog.Catalog, r, excludedIndex *catalog.Relation) bool {
	return slices.ContainsFunc(r.Indexes, func(oid catalog.OID) bool {
		idx := c.Relation(oid)
		return idx != nil && oid != excludedIndex.OID && idx.Index.Unique && idx.Index.Predicate != nil
	})
}

// isKeyRecreated reports whether the migration recreates a key that no statement created: in the transaction,
// or, after DROP … IF EXISTS, in a later one.
func isKeyRecreated(t *rule.Tx, d *rule.Delta) bool {
	keys := func(r *catalog.Relation) bool {
		return r != nil && slices.ContainsFunc(r.Constraints, func(c *catalog.Constraint) bool {
			return c.Name == d.OldConstraint.Name || c.Kind == catalog.Unique && !c.Inferred
		})
	}
	if keys(d.After) {
		return true
	}
	guarded := slices.ContainsFunc(d.By.Node.GetAlterTableStmt().GetCmds(), func(n *pgparse.Node) bool {
		c := n.GetAlterTableCmd()
		return c.GetMissingOk() && c.GetName() == d.OldConstraint.Name
	})
	return guarded && keys(t.Migration.After().Relation(d.OID))
}

func (x *unservedArbiter) reportArbiter(p *rule.Pass) {
	d := x.Delta
	instead := x.instead
	if instead == "" {
		instead = "keep it until no deployed code names it in ON CONFLICT, and drop it a release later"
	}
	severity, harm := onward.Warning, "INSERTs of the deployed code with ON CONFLICT on its columns fail"
	usage := x.findUpsertUse(p)
	if usage.Used {
		severity = onward.Off
		harm = "each INSERT of the deployed code with ON CONFLICT on it fails" + usage.AllPlaces()
	} else if r := d.By.Migration.Runner.Renderer; r != nil && r.Upserts != "" {
		if !x.isNamedByColumns() {
			return // a mapper's upsert names columns, and nothing else can be its arbiter
		}
		severity, harm = onward.Info, r.Upserts+" fails"
	} else if u := p.Code.FindUpserts(p.DeployedName(d)); usage.Known || u.IsIdle() {
		return // the code spells all that it says ON CONFLICT on, or says it on other tables only
	}
	if !usage.Used {
		harm += usage.FirstPlace()
	}
	p.Report(d, rule.Report{
		Severity: severity,
		Evidence: usage.Evidence,
		Cause:    "and so are %d others",
		Fact:     x.fact,
		Harm:     harm + ": there is no unique or exclusion constraint matching the ON CONFLICT specification",
		Instead:  instead,
	})
}

// isNamedByColumns reports whether a list of columns is all that ON CONFLICT has to say to mean
// the index: it has no expression and no condition.
func (x *unservedArbiter) isNamedByColumns() bool {
	return x.idx == nil || x.idx.Index.Predicate == nil && !slices.ContainsFunc(x.idx.Index.Keys, func(k catalog.IndexKey) bool { return k.Column == 0 })
}

// findUpsertUse asks whether the deployed code names the columns of the index, or its
// constraint, in ON CONFLICT.
func (x *unservedArbiter) findUpsertUse(p *rule.Pass) analysis.Usage {
	if x.idx == nil { // the server's name tells one column
		con, table := x.OldConstraint.Name, x.Before.Name.Name
		column := strings.TrimSuffix(strings.TrimPrefix(con, table+"_"), "_key")
		if u := p.Code.UpsertsOn(p.DeployedName(x.Delta), column, con); u.Used {
			return u
		}
		return analysis.Usage{}
	}
	var columns []string
	written := true
	for _, k := range x.idx.Index.Keys {
		switch c := x.Before.Attr(k.Column); {
		case c != nil:
			columns = append(columns, c.Name)
		case cased.MatchString(k.ExprText):
			columns = append(columns, k.ExprText)
		default:
			// An expression, which may be written in many ways: one that the code writes as the index does.
			columns = append(columns, pgparse.ShapeKey(k.Expr))
			written = false
		}
	}
	var u analysis.Usage
	if x.idx.Index.Predicate == nil {
		u = p.Code.UpsertsOn(p.DeployedName(x.Delta), strings.Join(columns, ","), x.idx.Index.Constraint)
	} else {
		u = p.Code.UpsertsOnSome(p.DeployedName(x.Delta), strings.Join(columns, ","))
	}
	if !u.Used && !written {
		return analysis.Usage{}
	}
	if u.Used && x.several {
		u.Known, u.Used = false, false // which condition it has is not known
	}
	return u
}
