package usage

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// AllColumns is the name of a column that stands for all of its source.
const AllColumns = "*"

func (d *digest) query(s *pgparse.SelectStmt, outer *level) {
	l := d.with(s.GetWithClause(), outer)
	d.q.Compares = d.q.Compares || s.GetLarg() != nil && !s.GetAll() || len(s.GetDistinctClause()) > 0 || len(s.GetGroupClause()) > 0
	if s.GetLarg() != nil {
		if d.depth < maxDepth {
			d.depth++
			d.query(s.GetLarg(), l)
			d.query(s.GetRarg(), l)
			d.depth--
		}
		return
	}
	for _, row := range s.GetValuesLists() {
		d.exprs(row.GetList().GetItems(), l)
	}
	d.from(s.GetFromClause(), l)
	d.outputs(s.GetTargetList(), l)
	d.expr(s.GetWhereClause(), l)
	d.expr(s.GetHavingClause(), l)
	d.expr(s.GetLimitCount(), l)
	d.expr(s.GetLimitOffset(), l)
	d.exprs(s.GetDistinctClause(), l)
	d.exprs(s.GetWindowClause(), l)
	for _, n := range s.GetTargetList() {
		l.output = append(l.output, n.GetResTarget().GetName())
	}
	for _, n := range s.GetGroupClause() {
		d.unlessOutput(n, l)
	}
	for _, n := range s.GetSortClause() {
		d.unlessOutput(n.GetSortBy().GetNode(), l)
	}
}

// unlessOutput notes an expression that is not the name of an output.
func (d *digest) unlessOutput(n *pgparse.Node, l *level) {
	if f := n.GetColumnRef().GetFields(); len(f) == 1 && slices.Contains(l.output, f[0].GetString_().GetSval()) {
		return
	}
	d.expr(n, l)
}

// outputs notes what a query gives.
func (d *digest) outputs(list []*pgparse.Node, l *level) {
	for _, n := range list {
		d.expr(n.GetResTarget().GetVal(), l)
	}
}

// values notes the expressions that columns are set to.
func (d *digest) values(list []*pgparse.Node, l *level) {
	for _, n := range list {
		d.expr(n.GetResTarget().GetVal(), l)
	}
}

func (d *digest) from(list []*pgparse.Node, l *level) {
	for _, n := range list {
		switch x := pgparse.Unwrap(n).(type) {
		case *pgparse.RangeVar:
			l.sources = append(l.sources, d.relation(x, Reads, l))
		case *pgparse.JoinExpr:
			if d.depth > maxDepth {
				return
			}
			d.depth++
			d.from([]*pgparse.Node{x.GetLarg(), x.GetRarg()}, l)
			d.depth--
			for _, u := range x.GetUsingClause() {
				for _, s := range l.sources {
					d.column(u.GetString_().GetSval(), s.relation, Reads, -1)
				}
			}
			d.expr(x.GetQuals(), l)
			if a := x.GetAlias().GetAliasname(); a != "" {
				l.sources = append(l.sources, source{a, OtherSource})
			}
		case *pgparse.RangeSubselect:
			outer := l.outer
			if x.GetLateral() {
				outer = l
			}
			d.statement(x.GetSubquery(), &level{outer: outer, with: allWith(l)})
			l.sources = append(l.sources, source{x.GetAlias().GetAliasname(), OtherSource})
		case *pgparse.RangeFunction:
			d.exprs(x.GetFunctions(), l)
			l.sources = append(l.sources, source{x.GetAlias().GetAliasname(), OtherSource})
		case *pgparse.RangeTableSample:
			d.from([]*pgparse.Node{x.GetRelation()}, l)
		case nil:
		default:
			l.sources = append(l.sources, source{"", OtherSource})
		}
	}
}

// allWith are the names that WITH makes for a query, and those around it.
func allWith(l *level) []string {
	var out []string
	for ; l != nil; l = l.outer {
		out = append(out, l.with...)
	}
	return out
}

func (d *digest) exprs(list []*pgparse.Node, l *level) {
	for _, n := range list {
		d.expr(n, l)
	}
}

// expr notes an expression.
func (d *digest) expr(n *pgparse.Node, l *level) {
	if n == nil {
		return
	}
	pgparse.Walk(n, func(msg any) bool {
		switch x := msg.(type) {
		case *pgparse.ColumnRef:
			d.ref(x, l)
		case *pgparse.SubLink:
			d.expr(x.GetTestexpr(), l)
			d.statement(x.GetSubselect(), l)
			return false
		case *pgparse.SelectStmt:
			if d.depth < maxDepth {
				d.depth++
				d.query(x, l)
				d.depth--
			}
			return false
		case *pgparse.FuncCall:
			d.function(x)
		case *pgparse.A_Const:
			if text := x.GetSval().GetSval(); text != "" && len(text) <= maxConstant {
				d.q.Constants = append(d.q.Constants, Place{text, d.line(int(x.GetLocation()))})
			}
		case *pgparse.TypeName:
			if schema, name := ends(x.GetNames()); schema != "pg_catalog" {
				d.q.Types = append(d.q.Types, Relation{Schema: schema, Name: name, Line: d.line(int(x.GetLocation()))})
			}
		}
		return true
	})
}

// function notes a call, and what some functions take as a text.
func (d *digest) function(x *pgparse.FuncCall) {
	schema, name := ends(x.GetFuncname())
	if schema != "pg_catalog" && name != "" && !hole(name) {
		d.q.Functions = append(d.q.Functions, Relation{Schema: schema, Name: name, Line: d.line(int(x.GetLocation()))})
	}
	if len(x.GetArgs()) == 0 {
		return
	}
	text, known := constant(x.GetArgs()[0])
	switch name {
	case "nextval", "currval", "setval", "to_regclass":
		if known {
			schema, sequence, qualified := strings.Cut(text, ".")
			if !qualified {
				schema, sequence = "", text
			}
			d.q.Relations = append(d.q.Relations, Relation{schema, strings.Trim(sequence, `"`), d.line(int(x.GetLocation())), Reads})
		}
	case "set_config":
		d.sets = append(d.sets, Place{strings.ToLower(text), d.line(int(x.GetLocation()))})
	}
}

// ref notes a name, as of a column.
func (d *digest) ref(x *pgparse.ColumnRef, l *level) {
	fields := make([]string, 0, 3)
	for _, f := range x.GetFields() {
		if f.GetAStar() != nil {
			fields = append(fields, AllColumns)
		} else {
			fields = append(fields, f.GetString_().GetSval())
		}
	}
	line := d.line(int(x.GetLocation()))
	add := func(name string, of []int) {
		if len(of) > 0 && !hole(name) {
			d.q.Columns = append(d.q.Columns, Column{Name: name, Line: line, How: Reads, Of: of})
		}
	}
	switch len(fields) {
	case 0:
	case 1:
		if hole(fields[0]) {
			d.q.Open = true
			return
		}
		add(fields[0], sources(l, fields[0] == AllColumns))
	default:
		alias, name := fields[len(fields)-2], fields[len(fields)-1]
		if len(fields) == 2 {
			if s, ok := qualified(l, alias); ok {
				add(name, []int{s.relation})
				return
			}
			// (row).field is read as a column; schema.table.column has three.
			alias, name = fields[0], fields[1]
		} else if s, ok := qualified(l, alias); ok {
			add(name, []int{s.relation})
			return
		}
		if d.fragment || l == nil || len(l.sources) == 0 && l.outer == nil {
			d.q.Relations = append(d.q.Relations, Relation{"", alias, line, Reads})
			add(name, []int{len(d.q.Relations) - 1})
		}
	}
}

// sources are those that a name without a qualifier may be of.
func sources(l *level, star bool) []int {
	var out []int
	for ; l != nil; l = l.outer {
		if len(l.sources) == 0 {
			continue
		}
		if len(out) > 0 {
			if star {
				return out
			}
			out = append(out, NextLevel)
		}
		for _, s := range l.sources {
			if s.alias != "excluded" {
				out = append(out, s.relation)
			}
		}
	}
	return out
}

// qualified is the source that goes by a name.
func qualified(l *level, alias string) (source, bool) {
	for ; l != nil; l = l.outer {
		for _, s := range l.sources {
			if s.alias == alias {
				return s, true
			}
		}
	}
	return source{}, false
}

// ends are the schema and the name of a list of names.
func ends(list []*pgparse.Node) (schema, name string) {
	n := len(list)
	if n > 1 {
		schema = list[n-2].GetString_().GetSval()
	}
	if n > 0 {
		name = list[n-1].GetString_().GetSval()
	}
	return schema, name
}

// maxConstant is how long a constant is that is noted.
const maxConstant = 64

// constant is the text of a constant, in a cast or not.
func constant(n *pgparse.Node) (string, bool) {
	for n.GetTypeCast() != nil {
		n = n.GetTypeCast().GetArg()
	}
	c := n.GetAConst()
	if c == nil || c.GetIsnull() || c.GetSval() == nil || len(c.GetSval().GetSval()) > maxConstant {
		return "", false
	}
	return c.GetSval().GetSval(), true
}
