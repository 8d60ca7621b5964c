package rule

import (
	"reflect"
	"sort"

	"github.com/onward-sql/onward/internal/catalog"
)

// Notes is what rules found out about a migration, a transaction or the release
// as a whole, once, however many of its statements they are asked about. A rule
// that walks over all other statements at each one takes a day for a large file.
type Notes struct{ byType map[reflect.Type]any }

// Once is what build gives: it is called when the first rule asks. The type says
// what is noted, so it is one of the rule's own.
func Once[T any](n *Notes, build func() T) T {
	key := reflect.TypeFor[T]()
	if v, ok := n.byType[key].(T); ok {
		return v
	}
	v := build()
	if n.byType == nil {
		n.byType = map[reflect.Type]any{}
	}
	n.byType[key] = v
	return v
}

// byNode are the statements of a migration by the type of their node.
type byNode map[reflect.Type][]*Stmt

// Of are the statements of a migration of one kind, in order: T is the type of
// their nodes, such as *pgparse.Node_DropStmt.
func Of[T any](m *Migration) []*Stmt {
	list := Once(&m.Notes, func() byNode {
		out := byNode{}
		for _, s := range m.Statements {
			if s.Node != nil {
				kind := reflect.TypeOf(s.Node.GetNode())
				out[kind] = append(out[kind], s)
			}
		}
		return out
	})
	return list[reflect.TypeFor[T]()]
}

// byName are the statements of a migration by the names of the relations that they
// work on.
type byName map[catalog.Name][]*Stmt

// Touching are the statements of a migration that have an effect on a relation
// of a name, give one the name, or are an INSERT into it, in order.
func (m *Migration) Touching(name catalog.Name) []*Stmt {
	return Once(&m.Notes, func() byName {
		out := byName{}
		add := func(name catalog.Name, s *Stmt) {
			if list := out[name]; len(list) == 0 || list[len(list)-1] != s {
				out[name] = append(list, s)
			}
		}
		for _, s := range m.Statements {
			for g := range s.Results {
				for i := range s.Results[g].Result.Effects {
					add(s.Results[g].Result.Effects[i].Name, s)
				}
			}
			for i := range s.Deltas {
				if d := &s.Deltas[i]; d.After != nil && (d.Kind == catalog.RelationCreated || d.Kind == catalog.RelationRenamed) {
					add(d.After.Name, s)
				}
			}
			if into := s.Node.GetInsertStmt(); into != nil {
				table, _ := s.Before.Resolve(into.GetRelation())
				add(table.Name, s)
			}
		}
		return out
	})[name]
}

// Ahead are those of a list of statements of a migration that stand in front of
// one.
func Ahead(list []*Stmt, s *Stmt) []*Stmt {
	return list[:sort.Search(len(list), func(i int) bool { return list[i].Index >= s.Index })]
}

// Behind are those that stand behind it.
func Behind(list []*Stmt, s *Stmt) []*Stmt {
	return list[sort.Search(len(list), func(i int) bool { return list[i].Index > s.Index }):]
}
