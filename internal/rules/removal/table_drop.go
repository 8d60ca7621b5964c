package removal

import (
	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TableDrop flags DROP TABLE while deployed code may use the table.
// https://www.postgresql.org/docs/current/sql-droptable.html
var TableDrop = &rule.Rule{
	ID:       "table-drop",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "DROP TABLE breaks deployed code that still uses the table, and its rows are gone",
	Harm: "While the release rolls out, every query of the old code on the table fails with \"relation does not exist\". " +
		"Rolling the code back does not help: the rows are gone. A function whose body still names the table, such as a trigger's on another table, " +
		"fails for old and new code alike.",
	Instead: "Remove the table from the code in one release, and drop it in a later one. " +
		"A foreign key that points at or from the table is dropped before, one a transaction: DROP TABLE locks both its ends.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-droptable.html"},
	Kinds:     rule.Drop,
	Statement: checkTableDrop,
}

func checkTableDrop(p *rule.Pass, s *rule.Stmt) {
	objects := s.ListDrops(pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_FOREIGN_TABLE)
	if len(objects) == 0 {
		return
	}
	t, names := s.Tx, analysis.DroppedNames(s.Node, pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_FOREIGN_TABLE)
	for _, d := range changesByStatement(t)[s] {
		if d.Kind != catalog.RelationDropped || !p.IsDeployed(d) || d.Before.Parent != 0 || !d.Before.Kind.IsTable() && d.Before.Kind != catalog.ForeignTable ||
			!names[d.Before.Name.Name] {
			continue
		}
		if d.Before.Name.Schema == onward.PlanRoom && s.Node.GetDropStmt().GetBehavior() != pgparse.DropBehavior_DROP_CASCADE {
			continue // a plan's own state
		}
		u := p.UsesOfTaken(t, d, nil)
		if d.Before.Detached && !u.Used && len(u.Functions) == 0 {
			continue // a partition is dropped like this, and only its name would tell of a use
		}
		name := d.Before.Name
		r := describeRelationDrop("table", "the table", name, u)
		if r.Fact += u.StillUsedClause("it"); !u.IsUsedByFunctionsOnly() {
			r.Way = advice.KeepTable{Table: analysis.QuoteTable(name)}
		}
		if codeUsesTables := usesOtherTables(p, d.OID); codeUsesTables && u.IsIdle() {
			r.Severity = u.FunctionSeverity() // it names tables, and not this one
		}
		if now := findSuccessor(t, name); now != nil {
			columns, u := findLostColumns(p, t, d, analysis.MissingColumns(d.Before, now))
			if columns == "" {
				continue // table-drop-first looks at the rows
			}
			r.Fact = "table " + name.String() + " is replaced by one without " + columns
			r.Harm, r.Severity, r.Evidence = u.DescribeBreak(columns), u.DropSeverity(), u.AllEvidence()
		}
		p.Report(s, r)
	}
	for _, o := range objects {
		judgeUnseenTable(p, s, o)
	}
}

// usesOtherTables reports whether the deployed code that is searched uses one of a
// few other tables: in a repository of migrations alone, nothing names any.
func usesOtherTables(p *rule.Pass, excludedTable catalog.OID) bool {
	const few = 5
	isUsed, asked := false, 0
	p.Release.Deployed.EachRelation(func(r *catalog.Relation) bool {
		if r.OID == excludedTable || !r.Kind.IsTable() || r.Parent != 0 {
			return true
		}
		isUsed = p.Code.FindUses(r.Name, "").Used || isUsed // all are asked: the answers come together
		asked++
		return asked < few
	})
	return isUsed
}

// judgeUnseenTable judges DROP TABLE IF EXISTS of a table that nothing created, where
// nothing at all is known of the deployed schema: it may be there.
func judgeUnseenTable(p *rule.Pass, s *rule.Stmt, o analysis.DroppedObject) {
	if !isSchemaUnknown(p) || !s.IfExists() || s.Before.Lookup(o.Schema, o.Name.Name) != nil ||
		s.Tx.After.Lookup(o.Schema, o.Name.Name) != nil {
		return
	}
	r := describeUnseenDrop("table", "the table", o.Name, p.Code.FindUses(o.Name, ""))
	r.Instead = "remove it from the code in this release, and drop it in the next one, when no old code runs any more"
	p.Report(s, r)
}
