package queries

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/internal/workload"
)

// text is a query as it is written, its names bound.
type text struct {
	stmt  any // *pgparse.SelectStmt, *UpdateStmt, …
	level *query.Level
}

// parseQuery parses a query; nil if it cannot be read, or is several statements.
func (p *pass) parseQuery(q *workload.Query) *text {
	if t, read := p.bound[q.ID]; read {
		return t
	}
	p.bound[q.ID] = nil
	statement := pgparse.ParseStatement(q.SQL)
	if statement == nil {
		return nil
	}
	var lookup query.Lookup = query.NoRelations{}
	if p.Deployed != nil && q.SearchPath == "" {
		lookup = p.Deployed
	}
	stmt := pgparse.Unwrap(statement)
	t := &text{stmt: stmt, level: query.BindStatement(stmt, lookup)}
	p.bound[q.ID] = t
	return t
}

// inConditions are the clauses that say which rows are meant.
var inConditions = []query.Clause{query.On, query.Where, query.Having, query.Conflict, query.When}

// findSourcesOf returns the sources of a query, at any level, that are a table by its name.
func (t *text) findSourcesOf(table catalog.Name) (out []*query.Source) {
	t.level.Walk(func(l *query.Level) bool {
		for _, s := range l.Sources {
			if s.Range == nil || s.CTE != nil {
				continue
			}
			if schema, name := pgparse.RangeName(s.Range); name == table.Name && (schema == table.Schema || schema == "" && table.Schema == "public") {
				out = append(out, s)
			}
		}
		return true
	})
	return slices.Compact(out)
}

// hasConditionOn reports whether a condition anywhere in the query may be about a column of a
// source.
func (t *text) hasConditionOn(s *query.Source, column string) bool {
	found := false
	t.level.Walk(func(l *query.Level) bool {
		l.EachName(func(n query.Name) bool {
			for _, m := range l.Resolve(n) {
				// A sub-query, or WITH, hands the column on.
				found = found || m.Column == column && (m.Source == s || m.Source.Range == nil || m.Source.CTE != nil)
			}
			return !found
		}, inConditions...)
		return !found
	})
	return found
}

// joinConditions are the conditions of a statement's own joins.
func (t *text) joinConditions() (out []*pgparse.Node) {
	pgparse.Walk(t.stmt, func(msg any) bool {
		switch m := msg.(type) {
		case *pgparse.SubLink:
			return false
		case *pgparse.JoinExpr:
			out = append(out, m.GetQuals())
		}
		return true
	})
	return out
}

// whereClause is the condition of a statement.
func (t *text) whereClause() *pgparse.Node {
	switch s := t.stmt.(type) {
	case *pgparse.SelectStmt:
		return s.GetWhereClause()
	case *pgparse.UpdateStmt:
		return s.GetWhereClause()
	case *pgparse.DeleteStmt:
		return s.GetWhereClause()
	}
	return nil
}

// equality is a column that a condition compares with one value.
type equality struct {
	column string
	source *query.Source // nil where several may be meant
	// other is the column of another table that it is compared with; nil: a parameter, a
	// constant, an expression of them.
	other *equality
}

// listEqualities are those parts of a condition, put together by AND, that say a column
// equals something; all is false where other parts are there.
func (t *text) listEqualities(condition *pgparse.Node) (out []equality, all bool) {
	all = true
	if condition == nil {
		return nil, true
	}
	for _, part := range predicate.ListConjuncts(condition) {
		x, ok := pgparse.Unwrap(part).(*pgparse.A_Expr)
		if !ok || pgparse.LastText(x.GetName()) != "=" || x.GetKind() != pgparse.A_Expr_Kind_AEXPR_OP && x.GetKind() != pgparse.A_Expr_Kind_AEXPR_OP_ANY {
			all = false
			continue
		}
		left, isLeft := t.resolveColumn(x.GetLexpr())
		right, isRight := t.resolveColumn(x.GetRexpr())
		switch {
		case isLeft && isRight:
			l, r := left, right
			left.other, right.other = &r, &l
			out = append(out, left, right)
		case isLeft && !pgparse.HasNode[*pgparse.ColumnRef](x.GetRexpr()):
			out = append(out, left)
		case isRight && !pgparse.HasNode[*pgparse.ColumnRef](x.GetLexpr()):
			out = append(out, right)
		default:
			all = false
		}
	}
	return out, all
}

// resolveColumn returns the column of the statement's own level that an expression is.
func (t *text) resolveColumn(n *pgparse.Node) (equality, bool) {
	if c := n.GetTypeCast(); c != nil {
		n = c.GetArg()
	}
	ref := n.GetColumnRef()
	if ref == nil {
		return equality{}, false
	}
	e := equality{column: pgparse.LastText(ref.GetFields())}
	if means := t.level.Resolve(t.level.NewName(ref, query.Where)); len(means) == 1 {
		e.source = means[0].Source
	} else {
		known := slices.DeleteFunc(means, func(m query.Meaning) bool { return !m.Known })
		if len(known) == 1 {
			e.source = known[0].Source
		}
	}
	return e, true
}

// containsKey reports whether columns hold a key of a table. Where the schema is not known, a
// key is what is called id or uuid.
func (p *pass) containsKey(table *catalog.Relation, columns []string) bool {
	if table == nil {
		return slices.Contains(columns, "id") || slices.Contains(columns, "uuid")
	}
	return slices.ContainsFunc(table.Indexes, func(oid catalog.OID) bool {
		index := p.Deployed.Relation(oid)
		if index == nil || index.Index == nil || !index.Index.Unique {
			return false
		}
		return !slices.ContainsFunc(index.Index.Keys, func(k catalog.IndexKey) bool {
			col := table.Attr(k.Column)
			return col == nil || !slices.Contains(columns, col.Name)
		})
	})
}

// selectsByKey reports whether a statement asks for one row of a source: an equality of a key with
// a value.
func (p *pass) selectsByKey(t *text, s *query.Source, table *catalog.Relation) bool {
	list, _ := t.listEqualities(t.whereClause())
	var names []string
	for _, e := range list {
		if e.other == nil && (e.source == nil || e.source == s) {
			names = append(names, e.column)
		}
	}
	return p.containsKey(table, names)
}

// isJoinedByKey reports whether a source is there for the row that another table's row
// refers to.
func (p *pass) isJoinedByKey(t *text, s *query.Source, table *catalog.Relation) bool {
	var names []string
	for _, condition := range append(t.joinConditions(), t.whereClause()) {
		list, _ := t.listEqualities(condition)
		for _, e := range list {
			if e.other != nil && e.source == s && e.other.source != s {
				names = append(names, e.column)
			}
		}
	}
	return p.containsKey(table, names)
}

// deployedTable returns a table of the deployed schema; nil if it is not known.
func (p *pass) deployedTable(name catalog.Name) *catalog.Relation {
	if p.Deployed == nil {
		return nil
	}
	if r := p.Deployed.Lookup(name.Schema, name.Name); r != nil && r.Kind.IsTable() && !r.Inferred {
		return r
	}
	return nil
}

// isBounded reports whether something in a query bounds how many rows it gives: LIMIT, an
// aggregate without GROUP BY, a list of keys that it was given, or rows that come from a
// function.
func (t *text) isBounded() bool {
	found := false
	pgparse.Walk(t.stmt, func(msg any) bool {
		switch m := msg.(type) {
		case *pgparse.SelectStmt:
			found = found || m.GetLimitCount() != nil
		case *pgparse.RangeFunction:
			found = true
		case *pgparse.A_Expr:
			switch m.GetKind() {
			case pgparse.A_Expr_Kind_AEXPR_OP_ANY, pgparse.A_Expr_Kind_AEXPR_IN:
				found = found || !pgparse.HasNode[*pgparse.ColumnRef](m.GetRexpr())
			}
		case *pgparse.FuncCall:
			switch pgparse.LastText(m.GetFuncname()) {
			case "unnest", "generate_series":
				found = true
			}
		}
		return !found
	})
	return found
}
