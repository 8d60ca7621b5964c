package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// FindAmbiguous returns the first place of a PL/pgSQL body where a name without a table means a variable as well as a column of a
// relation that is known. The server refuses it when a call reaches the place. A place that each call reaches is preferred.
func (b *Body) FindAmbiguous(c *Catalog) (name string, place Mention, found bool) {
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
