package catalog

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// BodyRefused is the first INSERT or UPDATE of a PL/pgSQL body that the server
// refuses whatever its variables hold: it writes a column that is not there, or
// leaves one out that must have a value. Statements that a call may not come to,
// or whose errors are handled, are not looked at.
func (c *Catalog) BodyRefused(fn *Function) (Mention, *Problem) {
	for _, part := range pgparse.ReadBody(fn.Body).Parts {
		if part.Maybe || part.Caught || !writes(part.SQL) {
			continue
		}
		file, err := pgparse.Split(part.SQL)
		if err != nil || len(file.Stmts) != 1 {
			continue
		}
		if problem := c.writeRefused(file.Stmts[0].Node); problem != nil {
			return Mention{Text: part.Text, Sure: true}, problem
		}
	}
	return Mention{}, nil
}

// writes reports whether a statement begins like one that writes rows: the
// others need not be parsed.
func writes(sql string) bool {
	sql = strings.TrimLeft(sql, " \t\r\n")
	return len(sql) > 6 && (strings.EqualFold(sql[:6], "insert") || strings.EqualFold(sql[:6], "update"))
}

func (c *Catalog) writeRefused(node *pgparse.Node) *Problem {
	k := &checker{c: c}
	switch s := pgparse.Unwrap(node).(type) {
	case *pgparse.InsertStmt:
		t := k.tableOf(s.GetRelation())
		if t == nil {
			return nil
		}
		k.targets(t, s.GetCols())
		if sel := s.GetSelectStmt().GetSelectStmt(); k.problem == nil && k.whole(t) && t.Kind == Table && len(t.Rules) == 0 && !fillsRows(t) && len(s.GetCols()) > 0 {
			k.notNull(t, s, sel)
		}
	case *pgparse.UpdateStmt:
		if t := k.tableOf(s.GetRelation()); t != nil {
			k.targets(t, s.GetTargetList())
		}
	}
	return k.problem
}

// tableOf is the table that a statement of a body writes; nil when it is not
// known for certain: the body may make it, or set a path of its own.
func (k *checker) tableOf(rv *pgparse.RangeVar) *Relation {
	schema, name := rangeName(rv)
	if schema == "" && !k.plainPath() {
		return nil
	}
	if r := k.c.find(schema, name); r != nil && r.Kind.IsTable() {
		return r
	}
	return nil
}
