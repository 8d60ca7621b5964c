package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// FindAmbiguous returns the first place of a PL/pgSQL body where a name without a table means a variable as well as a column of a
// relation that is known. The server refuses it when a call reaches the place. A place that each call reaches is preferred. With returning,
// a field of NEW or OLD counts that RETURNING takes for one of the changed row, too, as servers do from 18 on.
func (b *Body) FindAmbiguous(c *Catalog, returning bool) (name string, place Mention, found bool) {
	if b == nil || b.fn.Language != "plpgsql" || b.loose {
		return "", Mention{}, false
	}
	if slices.Contains(pgparse.ListNames(b.fn.Body+" "+b.fn.Source), "variable_conflict") {
		return "", Mention{}, false // the function says which of the two is meant
	}
	variables := map[string]bool{}
	for v := range b.variables {
		variables[v] = true
	}
	for _, p := range b.fn.Params {
		if p.Name != "" {
			variables[p.Name] = true
		}
	}
	for i := range b.parts {
		p := &b.parts[i]
		s := ambiguousSearch{catalog: c, variables: variables}
		if p.node == nil || p.caught {
			continue
		}
		query.BindStatement(p.node, &s).Walk(func(l *query.Level) bool {
			s.checkLevel(l)
			return s.name == ""
		})
		if s.name == "" && returning {
			s.name = b.findReturnedField(c, p.node)
		}
		if s.name == "" || found && p.maybe {
			continue
		}
		name, place, found = s.name, Mention{Text: p.text, Sure: true, Maybe: p.maybe}, true
		if !p.maybe {
			break
		}
	}
	return name, place, found
}

// findReturnedField returns a field of NEW or OLD, or the whole row, in RETURNING, if the row is a trigger's or a variable's as well.
func (b *Body) findReturnedField(c *Catalog, n *pgparse.Node) (found string) {
	pgparse.Walk(n, func(msg any) bool {
		write, ok := msg.(interface {
			GetRelation() *pgparse.RangeVar
			GetReturningClause() *pgparse.ReturningClause
		})
		if !ok || found != "" || write.GetReturningClause() == nil {
			return found == ""
		}
		table, clause := c.findRelation(pgparse.RangeName(write.GetRelation())), write.GetReturningClause()
		pgparse.Walk(clause, func(msg any) bool {
			ref, _ := msg.(*pgparse.ColumnRef)
			fields := pgparse.StringTexts(ref.GetFields())
			if len(fields) == 0 || table == nil || table.Inferred || slices.ContainsFunc(clause.GetOptions(), func(n *pgparse.Node) bool {
				return strings.HasSuffix(n.GetReturningOption().GetOption().String(), "_"+strings.ToUpper(fields[0]))
			}) {
				return true // RETURNING WITH (OLD AS o) gives the row another name
			}
			hasField := func(r *Relation) bool {
				return len(ref.GetFields()) == 1 || pgparse.EndsInStar(ref) || r.Column(fields[1]) != nil || IsSystemColumn(fields[1])
			}
			if hasField(table) && b.hasRow(c, fields[0], hasField) {
				found = strings.Join(fields, ".")
			}
			return found == ""
		})
		return found == ""
	})
	return found
}

// hasRow reports whether NEW or OLD is a variable, or the row of a trigger on a table that has a field.
func (b *Body) hasRow(c *Catalog, name string, hasField func(*Relation) bool) bool {
	if name != "new" && name != "old" || b.fn.Returns.Name.Name != "trigger" {
		return (name == "new" || name == "old") && (b.variables[name] != "" || slices.ContainsFunc(b.fn.Params, func(p Param) bool { return p.Name == name }))
	}
	tables := c.CalledBy(b.fn.Name.Name)
	return len(tables) == 0 || slices.ContainsFunc(tables, hasField)
}

// ambiguousSearch looks for a name in one statement.
type ambiguousSearch struct {
	catalog   *Catalog
	variables map[string]bool
	name      string
}

// Table resolves a relation's name for query.BindStatement.
func (s *ambiguousSearch) Table(rv *pgparse.RangeVar) query.Table {
	schema, name := pgparse.RangeName(rv)
	if r := s.catalog.findRelation(schema, name); r != nil && !r.Inferred {
		return r
	}
	return nil
}

func (s *ambiguousSearch) checkLevel(l *query.Level) {
	if insert, ok := l.Node.(*pgparse.InsertStmt); ok {
		t := relationOf(l.Target)
		for _, n := range insert.GetOnConflictClause().GetInfer().GetIndexElems() {
			if name := n.GetIndexElem().GetName(); s.variables[name] && t != nil && t.Column(name) != nil {
				s.name = name
				return
			}
		}
	}
	for _, n := range l.Names {
		ref, ok := n.Node.(*pgparse.ColumnRef)
		if !ok || pgparse.EndsInStar(ref) || len(ref.GetFields()) != 1 {
			continue
		}
		name := clipName(pgparse.LastText(ref.GetFields()))
		if !s.variables[name] {
			continue
		}
		for _, m := range l.Resolve(n) {
			if r := relationOf(m.Source); m.Known && r != nil && r.Column(name) != nil {
				s.name = name
				return
			}
		}
	}
}
