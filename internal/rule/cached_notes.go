package rule

import (
	"reflect"
	"sort"

	"github.com/onward-sql/onward/internal/catalog"
)

// Notes caches what rules computed about a migration, a transaction or the release as a
// whole, so that they compute it once and not per statement. A rule that visits all other
// statements for each one takes a day for a large file.
type Notes struct{ byType map[reflect.Type]any }

// BuildOnce returns the result of build, which runs at the first call. The result's type is
// the key, so each rule needs a type of its own.
func BuildOnce[T any](n *Notes, build func() T) T {
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

// StatementsOf returns the statements of a migration of one kind, in order. T is the type of their
// nodes, such as *pgparse.Node_DropStmt.
func StatementsOf[T any](m *Migration) []*Stmt {
	list := BuildOnce(&m.Notes, func() byNode {
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

// byName are the statements of a migration by the names of the relations that they work
// on.
type byName map[catalog.Name][]*Stmt

// StatementsOn returns the statements of a migration, in order, that affect a relation of a
// name, give a relation that name, or insert into it.
func (m *Migration) StatementsOn(name catalog.Name) []*Stmt {
	return BuildOnce(&m.Notes, func() byName {
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
			if insert := s.Node.GetInsertStmt(); insert != nil {
				table, _ := s.Before.Resolve(insert.GetRelation())
				add(table.Name, s)
			}
		}
		return out
	})[name]
}

// StatementsBefore returns the statements of a list that come before s in the same migration.
func StatementsBefore(list []*Stmt, s *Stmt) []*Stmt {
	return list[:sort.Search(len(list), func(i int) bool { return list[i].Index >= s.Index })]
}

// StatementsAfter returns the statements of a list that come after s in the same migration.
func StatementsAfter(list []*Stmt, s *Stmt) []*Stmt {
	return list[sort.Search(len(list), func(i int) bool { return list[i].Index > s.Index }):]
}
