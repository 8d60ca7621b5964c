package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// checkName records a hit if a name in an expression means the searched relation or column.
func (m *mentions) checkName(l *query.Level, n query.Name) {
	switch x := n.Node.(type) {
	case *pgparse.ColumnRef:
		if !pgparse.EndsInStar(x) {
			m.checkReference(l, n, pgparse.StringTexts(x.GetFields()))
		}
	case *query.Using:
		if m.column == x.Column && slices.ContainsFunc(l.Sources[:n.Sees], func(s *query.Source) bool { return m.isTarget(relationOf(s)) }) {
			m.recordHit(true)
		}
	case *pgparse.A_Indirection:
		m.checkIndirection(l, n, x)
	case *pgparse.TypeName:
		schema, name := pgparse.SchemaAndName(x.GetNames())
		if m.column == "" && name == m.target.Name.Name && name != "" && (schema == "" || schema == m.target.Name.Schema) {
			m.recordHit(true) // the type of the relation's rows
		}
	}
}

// checkReference does so for a name in the form of a column: "a", "t.a" or "s.t.a".
func (m *mentions) checkReference(l *query.Level, n query.Name, fields []string) {
	switch {
	case len(fields) == 0:
	case len(fields) == 1:
		m.checkUnqualified(l, n, clipName(fields[0]))
	case !m.checkQualified(l, n):
		m.checkField(fields[0], clipName(fields[1]))
	}
}

// checkUnqualified does so for a name without a table: it means the column of the
// innermost query that has such a column.
func (m *mentions) checkUnqualified(l *query.Level, n query.Name, name string) {
	if m.column == "" || name != m.column {
		return
	}
	var stop *query.Level
	for _, x := range l.Resolve(n) {
		if stop != nil && x.Level != stop {
			return
		}
		r := relationOf(x.Source)
		if m.isTarget(r) {
			m.recordHit(true)
			return
		}
		if r == nil && !x.Source.Lacks(name) || r != nil && r.Column(name) != nil {
			stop = x.Level // it may mean this one, unless another of its query is meant
		}
	}
}

// checkQualified looks at table.column; false when nothing goes by that name.
func (m *mentions) checkQualified(l *query.Level, n query.Name) bool {
	for _, x := range l.Resolve(n) {
		if slices.Contains(x.Level.Rows, x.Source) {
			continue // of a trigger, before 18
		}
		if m.column != "" && x.Column == m.column && m.isTarget(relationOf(x.Source)) {
			m.recordHit(true)
		}
		return true
	}
	return false
}

// checkField looks at a field of something that is no table of the query.
func (m *mentions) checkField(name, field string) {
	if m.onField != nil {
		m.onField(name, field)
	}
	switch {
	case name == "new" || name == "old":
		if !slices.ContainsFunc(m.fields, func(f Field) bool { return f.Record == name && f.Name == field }) {
			m.fields = append(m.fields, Field{Record: name, Name: field})
		}
	case m.column == "" || field != m.column:
	case m.rows[name]:
		m.recordHit(true)
	case m.hasRowArgument():
		m.recordHit(false)
	}
}

// hasRowArgument reports whether the function takes a row of the relation.
func (m *mentions) hasRowArgument() bool {
	return slices.ContainsFunc(m.body.fn.Args, func(t Type) bool { return t.Name == m.target.Name })
}

// checkIndirection looks at (record).field and $1.field.
func (m *mentions) checkIndirection(l *query.Level, n query.Name, x *pgparse.A_Indirection) {
	list := x.GetIndirection()
	if len(list) == 0 || list[0].GetString_() == nil {
		return
	}
	name := clipName(pgparse.StringText(list[0]))
	if f := x.GetArg().GetColumnRef().GetFields(); len(f) == 1 {
		n.Node = &pgparse.ColumnRef{Fields: []*pgparse.Node{f[0], list[0]}}
		if !m.checkQualified(l, n) {
			m.checkField(pgparse.StringText(f[0]), name)
		}
	} else if x.GetArg().GetParamRef() != nil && m.column != "" && name == m.column && m.hasRowArgument() {
		m.recordHit(false)
	}
}

// searchWords looks at a part that the grammar does not read: what its words tell is
// not sure.
func (m *mentions) searchWords(text string) {
	words := pgparse.ListNames(text)
	if slices.Contains(words, m.target.Name.Name) && (m.column == "" || slices.Contains(words, m.column)) {
		m.recordHit(false)
	}
}
