package catalog

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/onward-sql/onward/internal/pgparse"
)

// maxName is how many bytes of an identifier the server keeps.
const maxName = 63

func itoa(n int) string { return strconv.Itoa(n) }

// clip truncates an identifier as the server does: to 63 bytes, at a
// character.
func clip(s string) string {
	if len(s) <= maxName {
		return s
	}
	return clipTo(s, maxName)
}

func clipTo(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n = max(n, 0)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// objectName builds a name as the server's makeObjectName: name1_name2_label,
// with the longer of both names cut until it fits.
func objectName(name1, name2, label string) string {
	overhead := 0
	if label != "" {
		overhead = len(label) + 1
	}
	if name2 != "" {
		overhead++
	}
	avail := max(maxName-overhead, 0)
	n1, n2 := len(name1), len(name2)
	for n1+n2 > avail {
		if n1 > n2 {
			n1--
		} else {
			n2--
		}
	}
	out := clipTo(name1, n1)
	if name2 != "" {
		out += "_" + clipTo(name2, n2)
	}
	if label != "" {
		out += "_" + label
	}
	return out
}

// chooseRelation is ChooseRelationName: the first free name of an index,
// sequence or index-backed constraint.
func (f *fold) chooseRelation(schema, name1, name2, label string, constraint bool) string {
	l := label
	for pass := 1; ; pass++ {
		name := objectName(name1, name2, l)
		if _, taken := f.names.get(Name{schema, name}); !taken && (!constraint || !f.constraintTaken(schema, name)) {
			return name
		}
		l = label + itoa(pass)
	}
}

// chooseConstraint is ChooseConstraintName: the first name that no constraint
// of the schema has. others are names that are about to be taken.
func (f *fold) chooseConstraint(schema, name1, name2, label string, others []*Constraint) string {
	l := label
	for pass := 1; ; pass++ {
		name := objectName(name1, name2, l)
		if !hasConstraint(others, name) && !f.constraintTaken(schema, name) {
			return name
		}
		l = label + itoa(pass)
	}
}

func hasConstraint(list []*Constraint, name string) bool {
	for _, c := range list {
		if c.Name == name {
			return true
		}
	}
	return false
}

// constraintTaken reports whether a constraint of the schema has the name.
// Names that the server makes begin with their table's, and so do nearly all
// that people choose: the tables whose name begins the constraint's are asked,
// not all there are.
func (f *fold) constraintTaken(schema, name string) bool {
	for i := 0; i < len(name); i++ {
		if name[i] != '_' {
			continue
		}
		oid, ok := f.names.get(Name{schema, name[:i]})
		if !ok {
			continue
		}
		if r := f.Relation(oid); r != nil && hasConstraint(r.Constraints, name) {
			return true
		}
	}
	return false
}

// joinNames is ChooseIndexNameAddition and its twin for foreign keys.
func joinNames(names []string) string {
	var b strings.Builder
	for _, n := range names {
		if b.Len() > 0 {
			b.WriteByte('_')
		}
		b.WriteString(clip(n))
		if b.Len() > maxName {
			break
		}
	}
	return b.String()
}

// IndexColumns is what stands for the columns of an index in a name that the
// server makes: keys, expressions and, behind them, those that are included.
func IndexColumns(elems ...[]*pgparse.Node) string { return joinNames(indexColumnNames(elems...)) }

// ColumnsInName is IndexColumns of an index that is there.
func (i *IndexInfo) ColumnsInName() string { return joinNames(i.Names) }

// indexColumnNames is ChooseIndexColumnNames: what the key columns of an
// index are called, made unique.
func indexColumnNames(elems ...[]*pgparse.Node) []string {
	var out []string
	for _, list := range elems {
		for _, n := range list {
			e := n.GetIndexElem()
			name := e.GetIndexcolname()
			if name == "" {
				name = e.GetName()
			}
			if name == "" {
				if name = figureName(e.GetExpr()); name == "" {
					name = "expr"
				}
			}
			out = append(out, uniqueName(out, name))
		}
	}
	return out
}

func uniqueName(taken []string, name string) string {
	try := name
	for i := 1; contains(taken, try); i++ {
		n := itoa(i)
		try = clipTo(name, maxName-len(n)) + n
	}
	return try
}

func contains(list []string, s string) bool {
	for _, t := range list {
		if t == s {
			return true
		}
	}
	return false
}

// figureName is FigureColname: what the server calls the result of an
// expression; "" where it has no good name ("?column?").
func figureName(n *pgparse.Node) string {
	name, _ := figure(n)
	return name
}

// figure gives a name and how good it is: 1 for a guess from a cast or a
// nested expression, 2 for a real one.
func figure(n *pgparse.Node) (string, int) {
	switch m := pgparse.Unwrap(n).(type) {
	case *pgparse.ColumnRef:
		for i := len(m.GetFields()) - 1; i >= 0; i-- {
			if s := str(m.GetFields()[i]); s != "" {
				return s, 2
			}
		}
	case *pgparse.A_Indirection:
		for i := len(m.GetIndirection()) - 1; i >= 0; i-- {
			if s := str(m.GetIndirection()[i]); s != "" {
				return s, 2
			}
		}
		return figure(m.GetArg())
	case *pgparse.FuncCall:
		return last(m.GetFuncname()), 2
	case *pgparse.A_Expr:
		if m.GetKind() == pgparse.A_Expr_Kind_AEXPR_NULLIF {
			return "nullif", 2
		}
	case *pgparse.TypeCast:
		if s, strength := figure(m.GetArg()); strength > 1 {
			return s, strength
		}
		return last(m.GetTypeName().GetNames()), 1
	case *pgparse.CollateClause:
		return figure(m.GetArg())
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
				return figure(t.GetVal())
			}
		}
	case *pgparse.CaseExpr:
		if s, strength := figure(m.GetDefresult()); strength > 1 {
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
