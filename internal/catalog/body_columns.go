package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

func (m *mentions) exprs(list []*pgparse.Node, sc *names) {
	for _, n := range list {
		m.expr(n, sc)
	}
}

// expr looks at an expression.
func (m *mentions) expr(n *pgparse.Node, sc *names) {
	if n == nil {
		return
	}
	pgparse.Walk(n, func(msg any) bool {
		switch x := msg.(type) {
		case *pgparse.ColumnRef:
			if !pgparse.EndsInStar(x) {
				m.ref(strs(x.GetFields()), sc)
			}
		case *pgparse.A_Indirection:
			m.field(x, sc)
		case *pgparse.SubLink:
			m.expr(x.GetTestexpr(), sc)
			m.statement(x.GetSubselect(), sc)
			return false
		case *pgparse.SelectStmt:
			m.selectOf(x, sc)
			return false
		case *pgparse.TypeName:
			schema, name := schemaAndName(x.GetNames())
			if m.column == "" && name == m.target.Name.Name && name != "" && (schema == "" || schema == m.target.Name.Schema) {
				m.hit(true) // the type of the relation's rows
			}
		}
		return true
	})
}

// ref looks at a name, as of a column.
func (m *mentions) ref(fields []string, sc *names) {
	switch {
	case len(fields) == 0:
	case len(fields) == 1:
		m.unqualified(clip(fields[0]), sc)
	case m.qualified(fields[0], clip(fields[1]), sc):
	case len(fields) > 2 && m.qualified(fields[1], clip(fields[2]), sc): // schema.table.column
	default:
		m.record(fields[0], clip(fields[1]))
	}
}

// unqualified looks at a name without a table: the innermost query that has
// such a column means it.
func (m *mentions) unqualified(name string, sc *names) {
	if m.column == "" || name != m.column {
		return
	}
	for s := sc; s != nil; s = s.outer {
		other := false
		for _, src := range s.sources {
			if m.is(src.rel) {
				m.hit(true)
				return
			}
			other = other || src.rel == nil || src.rel.Column(name) != nil
		}
		if other {
			return
		}
	}
}

// qualified looks at table.column; false when nothing goes by that name.
func (m *mentions) qualified(alias, name string, sc *names) bool {
	for s := sc; s != nil; s = s.outer {
		for _, src := range s.sources {
			if src.alias != alias {
				continue
			}
			if m.is(src.rel) && m.column != "" && name == m.column {
				m.hit(true)
			}
			return true
		}
	}
	return false
}

// record looks at a field of something that is no table of the query.
func (m *mentions) record(name, field string) {
	switch {
	case name == "new" || name == "old":
		if !slices.ContainsFunc(m.fields, func(f Field) bool { return f.Record == name && f.Name == field }) {
			m.fields = append(m.fields, Field{Record: name, Name: field})
		}
	case m.column == "" || field != m.column:
	case m.rows[name]:
		m.hit(true)
	case m.rowArgument():
		m.hit(false)
	}
}

// rowArgument reports whether the function takes a row of the relation.
func (m *mentions) rowArgument() bool {
	return slices.ContainsFunc(m.body.fn.Args, func(t Type) bool { return t.Name == m.target.Name })
}

// field looks at (record).field and $1.field.
func (m *mentions) field(x *pgparse.A_Indirection, sc *names) {
	list := x.GetIndirection()
	if len(list) == 0 || list[0].GetString_() == nil {
		return
	}
	name := clip(str(list[0]))
	if f := x.GetArg().GetColumnRef().GetFields(); len(f) == 1 {
		if !m.qualified(str(f[0]), name, sc) {
			m.record(str(f[0]), name)
		}
	} else if x.GetArg().GetParamRef() != nil && m.column != "" && name == m.column && m.rowArgument() {
		m.hit(false)
	}
}

// unread looks at a part that the grammar does not read: what its words tell is
// not sure.
func (m *mentions) unread(text string) {
	words := pgparse.Names(text)
	if slices.Contains(words, m.target.Name.Name) && (m.column == "" || slices.Contains(words, m.column)) {
		m.hit(false)
	}
}
