// Package all lists the adapters.
package all

import (
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/django"
	"github.com/onward-sql/onward/internal/adapter/golangmigrate"
	"github.com/onward-sql/onward/internal/adapter/goose"
	"github.com/onward-sql/onward/internal/adapter/sql"
	"github.com/onward-sql/onward/internal/adapter/sqlx"
)

// All lists the adapters in the order in which they are asked; of two that
// are equally sure of a directory the first is taken.
func All() []adapter.Adapter {
	return []adapter.Adapter{
		&django.Adapter{},
		goose.Adapter{},
		golangmigrate.Adapter{},
		sqlx.Adapter{},
		sql.Adapter{},
	}
}

// Traits is what is asked of a framework; of one that nobody knows, nothing.
func Traits(name string) adapter.Traits {
	a, ok := Named(name)
	if !ok {
		return adapter.Traits{}
	}
	return a.Traits()
}

// Own reports whether a plain directory has a tool of its own.
func Own(t adapter.Tree, s adapter.Source) bool {
	a, _ := Named(s.Framework)
	x, ok := a.(interface {
		Own(t adapter.Tree, s adapter.Source) bool
	})
	return ok && x.Own(t, s)
}

// Programs reports whether a directory has migrations that are programs, which its adapter lists beside others.
func Programs(t adapter.Tree, s adapter.Source) bool {
	a, _ := Named(s.Framework)
	x, ok := a.(interface {
		Programs(t adapter.Tree, s adapter.Source) bool
	})
	return ok && x.Programs(t, s)
}

// Plain is the name of the adapter of whatever SQL files no other one claims.
const Plain = sql.Name

// Books are the tables in which migration tools keep what has run, by their names.
func Books() map[string]adapter.Book {
	list := adapter.UnreadBooks()
	for _, a := range All() {
		list = append(list, a.Traits().Books...)
	}
	out := make(map[string]adapter.Book, len(list))
	for _, b := range list {
		if out[b.Table].Columns == "" {
			out[b.Table] = b
		}
	}
	return out
}

// Bookkeeping are the names of those tables.
func Bookkeeping() map[string]bool {
	out := map[string]bool{}
	for table := range Books() {
		out[table] = true
	}
	return out
}

// Named finds an adapter by its name in onward.yaml.
func Named(name string) (adapter.Adapter, bool) {
	for _, a := range All() {
		if a.Name() == name {
			return a, true
		}
	}
	return nil, false
}
