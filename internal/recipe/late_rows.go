package recipe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// repair is a statement of the release that makes rows of a table satisfy a condition which the release adds later.
type repair struct {
	c *Change
	// alias is the name of the table in it; "" if the statement adds the rows that a foreign key needs.
	alias string
}

// listRepairs returns the statements before a change that may make rows of a table satisfy a condition on columns; ref is the table of a foreign key.
func (c *Change) listRepairs(t, ref *catalog.Relation, columns []string) (out []repair) {
	r := c.Release
	if r.Deployed.Relation(t.OID) == nil || r.removals[t.OID] != nil {
		return nil
	}
	for _, d := range r.changes[:max(0, slices.Index(r.changes, c))] {
		target := d.writtenTable()
		switch {
		case target == nil || r.followed[d] != nil:
		case ref != nil && target.OID == ref.OID && d.Node.GetInsertStmt() != nil && d.readsRowsOf(func(o *catalog.Relation) bool { return o.OID == t.OID }):
			out = append(out, repair{c: d})
		case target.OID != t.OID || d.Node.GetUpdateStmt() == nil || d.namesItsRows():
		case slices.ContainsFunc(d.setColumns(), func(id columnID) bool {
			column, change := target.Attr(id.column), r.columnChanges[id]
			return column != nil && slices.Contains(columns, column.Name) &&
				(change == nil || change.replacement == nil && change.split == nil && change.leadChange() == nil)
		}):
			out = append(out, repair{c: d, alias: tableAlias(d.writtenTableName())})
		}
	}
	return out
}

// repeatRepairs adds repairs once more, as the first steps of the contract, for the rows that the deployed code has written since then and that
// violate the new condition. violation returns that for the text before names of columns; "" if it needs such a text. What the new code has
// written satisfies it, and stays.
func (m *Steps) repeatRepairs(c *Change, list []repair, violation func(prefix string) string) {
	for _, p := range list {
		sql, condition := p.c.SQL, ""
		if p.alias != "" {
			if len(p.c.Node.GetUpdateStmt().GetFromClause()) == 0 {
				condition = violation("")
			}
			condition = cmp.Or(condition, violation(quoteIdent(p.alias)+"."))
			sql = restrictUpdate(p.c, condition)
		} else if insert := p.c.Node.GetInsertStmt(); insert.GetOnConflictClause() == nil &&
			!p.c.readsRowsOf(func(o *catalog.Relation) bool { return o == p.c.writtenTable() }) {
			sql = ""
		}
		if sql == "" || p.alias != "" && condition == "" {
			m.addMissing("%s:%d is not repeated for the rows that the deployed code writes after it, and they may violate what line %d of %s requires. "+
				"Add the condition a release later", p.c.Migration.Path, p.c.Line, c.Line, c.Migration.Path)
			continue
		}
		statement, stmt, change := *p.c.Statement, *p.c.Stmt, *p.c
		statement.SQL, statement.Node = sql, pgparse.ParseStatement(sql)
		stmt.Statement = &statement
		change.Stmt, change.Text = &stmt, sql
		var steps *Steps
		for _, r := range []*Recipe{rowsUpdate, rowsBatched, rowsComputed, rowsListed} {
			if steps == nil {
				steps = r.Make(&change)
			}
		}
		if steps == nil {
			steps = keepUnchanged(&change)
		}
		for i := range steps.Steps {
			s := &steps.Steps[i]
			s.Phase = onward.Contract
			if !s.Bookkeeping {
				s.Why += ", once more, for rows that the deployed code has written since"
			}
		}
		m.Steps, m.Missing = append(m.Steps, steps.Steps...), append(m.Missing, steps.Missing...)
	}
}

// restrictUpdate returns an UPDATE for the rows that satisfy one more condition; "" if its text is not understood.
func restrictUpdate(c *Change, condition string) string {
	sql, u := strings.TrimSpace(c.SQL), c.Node.GetUpdateStmt()
	if u.GetReturningClause() != nil {
		return ""
	}
	if u.WhereClause == nil {
		return pgparse.EndLineComment(sql) + " WHERE " + condition
	}
	start := analysis.IndexWord(sql, " WHERE ")
	if text := pgparse.SplitUpdate(sql); text != nil {
		start = strings.LastIndex(sql, text.Where) - len(" WHERE ")
	}
	if start < 0 {
		return ""
	}
	conditionStart := start + len(" WHERE ")
	return sql[:conditionStart] + "(" + pgparse.EndLineComment(sql[conditionStart:]) + ") AND " + condition
}

// violationOf returns the condition for rows that violate a new CHECK or foreign key of a table, by what stands before names of columns; "" if
// it is not known.
func (c *Change) violationOf(newCon *catalog.Constraint) func(prefix string) string {
	return func(prefix string) string {
		switch newCon.Kind {
		case catalog.Check:
			text, ok := pgparse.ReplaceColumns(newCon.ExprText, func(column string) string { return prefix + quoteIdent(column) })
			if !ok || newCon.ExprText == "" {
				return ""
			}
			return "(" + text + ") IS FALSE"
		case catalog.ForeignKey:
			ref := c.After.Relation(newCon.Ref)
			if ref == nil || prefix == "" || len(newCon.RefColumns) != len(newCon.Columns) {
				return ""
			}
			var equal, filled []string
			for i, name := range c.constraintColumns(newCon) {
				name = prefix + quoteIdent(name)
				equal = append(equal, fmt.Sprintf("onward_ref.%s = %s", quoteIdent(ref.ColumnNames(newCon.RefColumns)[i]), name))
				filled = append(filled, name+" IS NOT NULL")
			}
			return strings.Join(filled, " AND ") + " AND NOT EXISTS (SELECT FROM " + tableName(ref) + " AS onward_ref WHERE " + strings.Join(equal, " AND ") + ")"
		}
		return ""
	}
}
