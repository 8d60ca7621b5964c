package catalog

import (
	"iter"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// FindRefusedInBody returns the first statement of a PL/pgSQL body that the server refuses for all
// values of its variables: it writes a missing column, omits one that must have a value, or
// names a missing table or function. It skips statements that a call may not reach, and those
// whose errors are handled.
func (c *Catalog) FindRefusedInBody(fn *Function) (Mention, *Problem) {
	parts := fn.listParts()
	for text, node := range certainStatements(parts, mayWriteRows) {
		if problem := c.findWriteProblem(node); problem != nil {
			return Mention{Text: text, Sure: true}, problem
		}
	}
	return c.findMissingInBody(fn, parts)
}

// listParts returns the statements of a PL/pgSQL body.
func (fn *Function) listParts() []pgparse.Part {
	if body := ReadBody(fn); body != nil {
		return body.read
	}
	return nil
}

// CertainStatements yields the statements of a PL/pgSQL body that each call reaches and whose
// errors nothing handles, with their texts. It parses only those for which look returns
// true.
func (fn *Function) CertainStatements(look func(sql string) bool) iter.Seq2[string, *pgparse.Node] {
	return certainStatements(fn.listParts(), look)
}

func certainStatements(parts []pgparse.Part, look func(sql string) bool) iter.Seq2[string, *pgparse.Node] {
	return func(yield func(string, *pgparse.Node) bool) {
		for _, part := range parts {
			if part.Maybe || part.Caught || !look(part.SQL) {
				continue
			}
			if file, err := pgparse.SplitText(part.SQL); err == nil && len(file.Stmts) == 1 && !yield(part.Text, file.Stmts[0].Node) {
				return
			}
		}
	}
}

// mayWriteRows reports whether a statement begins like one that writes rows: the
// others need not be parsed.
func mayWriteRows(sql string) bool {
	sql = strings.TrimLeft(sql, " \t\r\n")
	return len(sql) > 6 && (strings.EqualFold(sql[:6], "insert") || strings.EqualFold(sql[:6], "update"))
}

func (c *Catalog) findWriteProblem(node *pgparse.Node) *Problem {
	k := &checker{c: c}
	switch s := pgparse.Unwrap(node).(type) {
	case *pgparse.InsertStmt:
		t := k.resolveWrittenTable(s.GetRelation())
		if t == nil {
			return nil
		}
		k.checkTargets(t, s.GetCols())
		if sel := s.GetSelectStmt().GetSelectStmt(); k.problem == nil && k.isFullyKnown(t) && t.Kind == Table && len(t.Rules) == 0 && !hasRowChangingTrigger(t) &&
			len(s.GetCols()) > 0 {
			k.checkNotNull(t, s, sel)
		}
	case *pgparse.UpdateStmt:
		if t := k.resolveWrittenTable(s.GetRelation()); t != nil {
			k.checkTargets(t, s.GetTargetList())
		}
	}
	return k.problem
}

// resolveWrittenTable returns the table that a statement of a body writes; nil if that is not certain,
// because the body may create the table or set the search path.
func (k *checker) resolveWrittenTable(rv *pgparse.RangeVar) *Relation {
	schema, name := pgparse.RangeName(rv)
	if schema == "" && !k.hasPublicSearchPath() {
		return nil
	}
	if r := k.c.findRelation(schema, name); r != nil && r.Kind.IsTable() {
		return r
	}
	return nil
}
