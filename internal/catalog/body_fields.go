package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// FieldReader says how a function gets rows of a relation without a query of its own: as a trigger.
type FieldReader struct {
	// Row: NEW and OLD are rows of the relation.
	Row bool
	// Transitions are the names under which a trigger's function reads the changed rows.
	Transitions []string
}

// FindFieldRead returns the first place of a PL/pgSQL body that reads a column of a relation as the field of a variable, a better
// one before a worse one: NEW.c, or r.c after SELECT * INTO r. PL/pgSQL keeps the type of such a field. An assignment to the field
// is no such place.
func (b *Body) FindFieldRead(c *Catalog, r *Relation, column string, reader FieldReader) (best Mention, found bool) {
	m := mentions{catalog: c, body: b, target: r, transitions: reader.Transitions}
	fields := m.listFields(column, reader)
	if len(fields) == 0 {
		return best, false
	}
	for i := range b.parts {
		p := &b.parts[i]
		if p.node == nil || p.target {
			continue
		}
		reads, sure := false, false
		m.onField = func(name, field string) {
			if known, ok := fields[recordField{name, field}]; ok {
				reads, sure = true, sure || known && !b.loose
			}
		}
		m.checkStatement(p.node)
		next := Mention{Text: p.text, Sure: sure, Maybe: p.maybe, Caught: p.caught}
		if reads && (!found || next.rank() > best.rank()) {
			best, found = next, true
		}
	}
	return best, found
}

// recordField is a field of a variable.
type recordField struct{ variable, field string }

// listFields lists the fields of variables that hold values of a column, and whether that is sure.
func (m *mentions) listFields(column string, reader FieldReader) map[recordField]bool {
	b, out := m.body, map[recordField]bool{}
	if reader.Row {
		out[recordField{"new", column}], out[recordField{"old", column}] = true, true
	}
	for name := range b.rowVariables(m.target) {
		out[recordField{name, column}] = true
	}
	for _, p := range b.fn.Params {
		if p.Name != "" && p.Type.Name == m.target.Name && p.Type.Array == 0 {
			out[recordField{p.Name, column}] = true
		}
	}
	filled := map[string]bool{}
	for i := range b.parts {
		p := &b.parts[i]
		if len(p.into) != 1 || !b.isRecord(p.into[0]) || p.node == nil {
			continue
		}
		name := strings.ToLower(p.into[0])
		filled[name] = true
		for _, o := range query.BindStatement(p.node, m).Outputs {
			if carries, sure := m.carriesColumn(o, column, 0); carries {
				key := recordField{name, o.Name}
				out[key] = out[key] || sure
			}
		}
	}
	if _, isMentioned := b.FindRelation(m.catalog, m.target); !isMentioned {
		return out
	}
	for name := range b.variables {
		if b.isRecord(name) && !filled[name] { // FETCH or EXECUTE fills it
			out[recordField{name, column}] = false
		}
	}
	return out
}

// isRecord reports whether a variable is a record, whose columns come from what fills it.
func (b *Body) isRecord(variable string) bool {
	return strings.EqualFold(strings.TrimSpace(b.variables[strings.ToLower(variable)]), "record")
}

// maxFieldDepth is how deep queries in FROM are followed.
const maxFieldDepth = 8

// carriesColumn reports whether a column of a query's result has the type of the relation's column: it is that column, or is
// computed of it, which is not sure.
func (m *mentions) carriesColumn(o query.Output, column string, depth int) (carries, sure bool) {
	switch {
	case depth > maxFieldDepth:
		return false, false
	case o.Source != nil:
		return m.isColumnOf(o.Source, o.Column, column, depth)
	case o.Expr == nil || o.Level == nil || o.Expr.GetTypeCast() != nil:
		return false, false
	}
	sure = true
	pgparse.Walk(o.Expr, func(msg any) bool {
		for _, n := range o.Level.Names {
			ref, ok := msg.(*pgparse.ColumnRef)
			if !ok || n.Node != msg {
				continue
			}
			for _, x := range o.Level.Resolve(n) {
				found, unchanged := m.isColumnOf(x.Source, pgparse.LastText(ref.GetFields()), column, depth)
				carries, sure = carries || found, sure && unchanged
			}
		}
		return !carries
	})
	return carries, carries && sure && o.Expr.GetColumnRef() != nil
}

// isColumnOf reports whether a column of an entry of FROM has the type of the relation's column.
func (m *mentions) isColumnOf(s *query.Source, name, column string, depth int) (carries, sure bool) {
	if m.isTarget(relationOf(s)) {
		return name == column, true
	}
	i := slices.IndexFunc(s.Columns, func(x query.Output) bool { return x.Name == name })
	if i < 0 {
		return false, true
	}
	return m.carriesColumn(s.Columns[i], column, depth+1)
}
