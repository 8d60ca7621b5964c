package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// name looks at a name in an expression.
func (m *mentions) name(l *query.Level, n query.Name) {
	switch x := n.Node.(type) {
	case *pgparse.ColumnRef:
		if !pgparse.EndsInStar(x) {
			m.ref(l, n, pgparse.Texts(x.GetFields()))
		}
	case *query.Using:
		if m.column == x.Column && slices.ContainsFunc(l.Sources[:n.Sees], func(s *query.Source) bool { return m.is(relationOf(s)) }) {
			m.hit(true)
		}
	case *pgparse.A_Indirection:
		m.indirection(l, n, x)
	case *pgparse.TypeName:
		schema, name := pgparse.SchemaAndName(x.GetNames())
		if m.column == "" && name == m.target.Name.Name && name != "" && (schema == "" || schema == m.target.Name.Schema) {
			m.hit(true) // the type of the relation's rows
		}
	}
}

// ref looks at a name, as of a column.
func (m *mentions) ref(l *query.Level, n query.Name, fields []string) {
	switch {
	case len(fields) == 0:
	case len(fields) == 1:
		m.unqualified(l, n, clip(fields[0]))
	case !m.qualified(l, n):
		m.field(fields[0], clip(fields[1]))
	}
}

// unqualified looks at a name without a table: the innermost query that has
// such a column means it.
func (m *mentions) unqualified(l *query.Level, n query.Name, name string) {
	if m.column == "" || name != m.column {
		return
	}
	var stop *query.Level
	for _, x := range l.Resolve(n) {
		if stop != nil && x.Level != stop {
			return
		}
		r := relationOf(x.Source)
		if m.is(r) {
			m.hit(true)
			return
		}
		if r == nil && !x.Source.Lacks(name) || r != nil && r.Column(name) != nil {
			stop = x.Level // it may mean this one, unless another of its query is meant
		}
	}
}

// qualified looks at table.column; false when nothing goes by that name.
func (m *mentions) qualified(l *query.Level, n query.Name) bool {
	for _, x := range l.Resolve(n) {
		if slices.Contains(x.Level.Rows, x.Source) {
			continue // of a trigger, before 18
		}
		if m.column != "" && x.Column == m.column && m.is(relationOf(x.Source)) {
			m.hit(true)
		}
		return true
	}
	return false
}

// field looks at a field of something that is no table of the query.
func (m *mentions) field(name, field string) {
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

// indirection looks at (record).field and $1.field.
func (m *mentions) indirection(l *query.Level, n query.Name, x *pgparse.A_Indirection) {
	list := x.GetIndirection()
	if len(list) == 0 || list[0].GetString_() == nil {
		return
	}
	name := clip(pgparse.Text(list[0]))
	if f := x.GetArg().GetColumnRef().GetFields(); len(f) == 1 {
		n.Node = &pgparse.ColumnRef{Fields: []*pgparse.Node{f[0], list[0]}}
		if !m.qualified(l, n) {
			m.field(pgparse.Text(f[0]), name)
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
