package query

import (
	"github.com/onward-sql/onward/internal/pgparse"
)

// FigureName returns the server's name for the result of an expression, as Postgres'
// FigureColname does; "" if it has no good name ("?column?").
func FigureName(n *pgparse.Node) string {
	name, _ := figureColumnName(n)
	return name
}

// figureColumnName returns a name and its strength: 1 if it was guessed from a cast or a nested
// expression, 2 for a real name.
func figureColumnName(n *pgparse.Node) (string, int) {
	switch m := pgparse.Unwrap(n).(type) {
	case *pgparse.ColumnRef:
		for i := len(m.GetFields()) - 1; i >= 0; i-- {
			if s := pgparse.StringText(m.GetFields()[i]); s != "" {
				return s, 2
			}
		}
	case *pgparse.A_Indirection:
		for i := len(m.GetIndirection()) - 1; i >= 0; i-- {
			if s := pgparse.StringText(m.GetIndirection()[i]); s != "" {
				return s, 2
			}
		}
		return figureColumnName(m.GetArg())
	case *pgparse.FuncCall:
		return pgparse.LastText(m.GetFuncname()), 2
	case *pgparse.A_Expr:
		if m.GetKind() == pgparse.A_Expr_Kind_AEXPR_NULLIF {
			return "nullif", 2
		}
	case *pgparse.TypeCast:
		if s, strength := figureColumnName(m.GetArg()); strength > 1 {
			return s, strength
		}
		return pgparse.LastText(m.GetTypeName().GetNames()), 1
	case *pgparse.CollateClause:
		return figureColumnName(m.GetArg())
	case *pgparse.GroupingFunc:
		return "grouping", 2
	case *pgparse.SubLink:
		switch m.GetSubLinkType() {
		case pgparse.SubLinkType_EXISTS_SUBLINK:
			return "exists", 2
		case pgparse.SubLinkType_ARRAY_SUBLINK:
			return "array", 2
		case pgparse.SubLinkType_EXPR_SUBLINK:
			if list := m.GetSubselect().GetSelectStmt().GetTargetList(); len(list) > 0 {
				t := list[0].GetResTarget()
				if t.GetName() != "" {
					return t.GetName(), 2
				}
				return figureColumnName(t.GetVal())
			}
		}
	case *pgparse.CaseExpr:
		if s, strength := figureColumnName(m.GetDefresult()); strength > 1 {
			return s, strength
		}
		return "case", 1
	case *pgparse.A_ArrayExpr:
		return "array", 2
	case *pgparse.RowExpr:
		return "row", 2
	case *pgparse.CoalesceExpr:
		return "coalesce", 2
	case *pgparse.MinMaxExpr:
		if m.GetOp() == pgparse.MinMaxOp_IS_LEAST {
			return "least", 2
		}
		return "greatest", 2
	case *pgparse.SQLValueFunction:
		return valueFunctions[m.GetOp()], 2
	case *pgparse.XmlExpr:
		return xmlNames[m.GetOp()], 2
	case *pgparse.XmlSerialize:
		return "xmlserialize", 2
	case *pgparse.MergeSupportFunc:
		return "merge_action", 2
	case *pgparse.JsonParseExpr:
		return "json", 2
	case *pgparse.JsonScalarExpr:
		return "json_scalar", 2
	case *pgparse.JsonSerializeExpr:
		return "json_serialize", 2
	case *pgparse.JsonObjectConstructor:
		return "json_object", 2
	case *pgparse.JsonArrayConstructor, *pgparse.JsonArrayQueryConstructor:
		return "json_array", 2
	case *pgparse.JsonObjectAgg:
		return "json_objectagg", 2
	case *pgparse.JsonArrayAgg:
		return "json_arrayagg", 2
	case *pgparse.JsonFuncExpr:
		switch m.GetOp() {
		case pgparse.JsonExprOp_JSON_EXISTS_OP:
			return "json_exists", 2
		case pgparse.JsonExprOp_JSON_QUERY_OP:
			return "json_query", 2
		case pgparse.JsonExprOp_JSON_VALUE_OP:
			return "json_value", 2
		}
	}
	return "", 0
}

var xmlNames = map[pgparse.XmlExprOp]string{
	pgparse.XmlExprOp_IS_XMLCONCAT: "xmlconcat", pgparse.XmlExprOp_IS_XMLELEMENT: "xmlelement",
	pgparse.XmlExprOp_IS_XMLFOREST: "xmlforest", pgparse.XmlExprOp_IS_XMLPARSE: "xmlparse",
	pgparse.XmlExprOp_IS_XMLPI: "xmlpi", pgparse.XmlExprOp_IS_XMLROOT: "xmlroot",
}

var valueFunctions = map[pgparse.SQLValueFunctionOp]string{
	pgparse.SQLValueFunctionOp_SVFOP_CURRENT_DATE: "current_date",
	pgparse.SQLValueFunctionOp_SVFOP_CURRENT_TIME: "current_time", pgparse.SQLValueFunctionOp_SVFOP_CURRENT_TIME_N: "current_time",
	pgparse.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP: "current_timestamp", pgparse.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP_N: "current_timestamp",
	pgparse.SQLValueFunctionOp_SVFOP_LOCALTIME: "localtime", pgparse.SQLValueFunctionOp_SVFOP_LOCALTIME_N: "localtime",
	pgparse.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP: "localtimestamp", pgparse.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP_N: "localtimestamp",
	pgparse.SQLValueFunctionOp_SVFOP_CURRENT_ROLE: "current_role", pgparse.SQLValueFunctionOp_SVFOP_CURRENT_USER: "current_user",
	pgparse.SQLValueFunctionOp_SVFOP_USER: "user", pgparse.SQLValueFunctionOp_SVFOP_SESSION_USER: "session_user",
	pgparse.SQLValueFunctionOp_SVFOP_CURRENT_CATALOG: "current_catalog", pgparse.SQLValueFunctionOp_SVFOP_CURRENT_SCHEMA: "current_schema",
}

func (b *binder) bindExprs(l *Level, c Clause, list ...*pgparse.Node) {
	for _, n := range list {
		b.bindExpr(l, c, n)
	}
}

// bindExpr records the names and queries in an expression.
func (b *binder) bindExpr(l *Level, c Clause, n *pgparse.Node) {
	if n == nil || n.GetAConst() != nil || b.bare && n.GetColumnRef() != nil {
		return
	}
	before := b.clause
	b.clause = c
	defer func() { b.clause = before }()
	note := func(node any, q *Level) {
		l.Names = append(l.Names, Name{Clause: c, Node: node, Query: q, Sees: len(l.Sources)})
	}
	pgparse.Walk(n, func(msg any) bool {
		switch m := msg.(type) {
		case *pgparse.ColumnRef, *pgparse.FuncCall, *pgparse.TypeName, *pgparse.CollateClause, *pgparse.A_Indirection:
			if !b.bare {
				note(m, nil)
			}
		case *pgparse.MultiAssignRef:
			return m.GetColno() <= 1 // SET (a, b) = (…) has it once for each column
		case *pgparse.SubLink:
			b.bindExpr(l, c, m.GetTestexpr())
			note(m, b.bindStatement(pgparse.Unwrap(m.GetSubselect()), l, nil))
			return false
		case *pgparse.SelectStmt:
			note(m, b.bindSelect(m, l, nil))
			return false
		}
		return true
	})
}

// bindOutputs binds a target list, whose columns are the level's output.
func (b *binder) bindOutputs(l *Level, c Clause, list []*pgparse.Node) {
	for _, n := range list {
		t := n.GetResTarget()
		val := t.GetVal()
		if b.bare {
			b.bindExpr(l, c, val)
			continue
		}
		if ref := val.GetColumnRef(); ref != nil && pgparse.EndsInStar(ref) {
			b.bindExpr(l, c, val)
			b.expandStar(l, ref)
			continue
		}
		b.bindExpr(l, c, val)
		if pgparse.IsExpanding(val) { // (x).*
			l.Open = true
			continue
		}
		name := t.GetName()
		if name == "" {
			if name = FigureName(val); name == "" {
				name = "?column?"
			}
		}
		l.Outputs = append(l.Outputs, Output{Name: pgparse.ClipName(name), Expr: val, Level: l})
	}
}

// expandStar adds the columns that a * expands to. A column merged by USING or NATURAL appears
// once, and first. The order of merged columns is not worked out here, so the level is
// Open then.
func (b *binder) expandStar(l *Level, ref *pgparse.ColumnRef) {
	found := false
	for _, s := range l.StarSources(ref) {
		found = true
		l.Open = l.Open || s.Open || s.Table != nil && s.Table.HasUnknownColumns()
		for _, o := range s.allColumns() {
			if merged := l.Merged && len(ref.GetFields()) == 1; merged {
				l.Open = true
				if findOutput(l.Outputs, o.Name) != nil {
					continue
				}
			}
			if len(l.Outputs) >= MaxOutputs {
				l.TooWide, l.Open = true, true
				return
			}
			l.Outputs = append(l.Outputs, Output{Name: o.Name, Source: s, Column: o.Name})
		}
	}
	l.Open = l.Open || !found
}

// StarSources returns the entries of FROM that a star of the level expands to.
func (l *Level) StarSources(ref *pgparse.ColumnRef) []*Source {
	alias := ""
	if f := ref.GetFields(); len(f) > 1 {
		alias = pgparse.ClipName(pgparse.StringText(f[len(f)-2]))
	}
	var out []*Source
	for _, s := range l.Sources {
		if s.hidden == 0 && (alias == "" || s.Alias == alias) {
			out = append(out, s)
		}
	}
	if alias != "" && len(out) == 0 {
		for _, s := range l.Rows {
			if s.Alias == alias {
				out = append(out, s)
			}
		}
	}
	return out
}
