package blocking

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
)

// findRemadeForeignKey returns what else an operation does that drops a foreign key and adds the
// same one again, as Django does around each change of its column, and whether it
// is one whose change needs neither: the type stays, and the rest is instant.
func findRemadeForeignKey(p *rule.Pass, s *rule.Stmt, a *newConstraint) (rest []string, ok bool) {
	if s.Operation.Class != "AlterField" {
		return nil, false
	}
	now := s.After.Relation(a.table.OID)
	fk := now.Constraint(a.name)
	stmtsByOperation := rule.BuildOnce(&s.Tx.Notes, func() operations {
		out := operations{}
		for _, x := range s.Tx.Statements {
			key := operation{x.Operation, x.Line}
			out[key] = append(out[key], x)
		}
		return out
	})
	for _, x := range stmtsByOperation[operation{s.Operation, s.Line}] {
		if x == s {
			continue
		}
		cmds := x.Node.GetAlterTableStmt().GetCmds()
		switch {
		case x.Node.GetConstraintsSetStmt() != nil:
		case len(cmds) == 1 && cmds[0].GetAlterTableCmd().GetSubtype() == pgparse.AlterTableType_AT_DropConstraint:
			before := x.Before.Relation(a.table.OID)
			old := before.Constraint(cmds[0].GetAlterTableCmd().GetName())
			if x.Index > s.Index || fk == nil || old == nil || x.AlteredRelation() == nil || x.AlteredRelation().OID != a.table.OID || !isSameForeignKey(old, fk) ||
				hasRetypedColumn(before, now, fk) {
				return nil, false
			}
			ok = true
		case p.LongWork(x) != nil:
			return nil, false
		default:
			rest = append(rest, x.SQL)
		}
	}
	return rest, ok && len(rest) > 0
}

// operations are the statements of a transaction by what they were rendered from.
type operations map[operation][]*rule.Stmt

type operation struct {
	script.Operation
	line int
}

// isSameForeignKey reports whether two foreign keys say the same of the same columns.
func isSameForeignKey(a, b *catalog.Constraint) bool {
	return a.Kind == catalog.ForeignKey && b.Kind == catalog.ForeignKey && a.Ref == b.Ref && a.Ref != 0 &&
		slices.Equal(a.Columns, b.Columns) && slices.Equal(a.RefColumns, b.RefColumns) &&
		a.SameActions(b) && slices.Equal(a.SetColumns, b.SetColumns) && a.Deferrable == b.Deferrable && a.InitiallyDeferred == b.InitiallyDeferred
}

// hasRetypedColumn reports whether a column of a foreign key gets another type.
func hasRetypedColumn(before, now *catalog.Relation, fk *catalog.Constraint) bool {
	return slices.ContainsFunc(fk.Columns, func(n int16) bool {
		columnBefore, columnNow := before.Attr(n), now.Attr(n)
		return columnBefore == nil || columnNow == nil || columnBefore.Type.String() != columnNow.Type.String()
	})
}
