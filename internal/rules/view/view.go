// Package view holds the rules about views and materialised views.
package view

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

func isView(r *catalog.Relation) bool {
	return r != nil && (r.Kind == catalog.View || r.Kind == catalog.MaterializedView)
}

// findSuccessor is the relation that has a view's name at commit; nil when nothing
// has.
func findSuccessor(t *rule.Tx, old *catalog.Relation) *catalog.Relation {
	return t.After.Lookup(old.Name.Schema, old.Name.Name)
}

// findRecreated finds the statement of the same migration, after the transaction, that gives the
// name to something again.
func findRecreated(t *rule.Tx, old *catalog.Relation) *rule.Stmt {
	last := t.Statements[len(t.Statements)-1]
	for _, s := range rule.StatementsAfter(t.Migration.StatementsOn(old.Name), last) {
		if s.After.Lookup(old.Name.Schema, old.Name.Name) != nil {
			return s
		}
	}
	return nil
}

// dropsView reports whether a statement is a DROP VIEW that names the view:
// not one that takes it along.
func dropsView(s *rule.Stmt, old *catalog.Relation) bool {
	d := s.Node.GetDropStmt()
	if d == nil || d.RemoveType != pgparse.ObjectType_OBJECT_VIEW && d.RemoveType != pgparse.ObjectType_OBJECT_MATVIEW {
		return false
	}
	for _, o := range d.Objects {
		parts := o.GetList().GetItems()
		if n := len(parts); n > 0 && parts[n-1].GetString_().GetSval() == old.Name.Name {
			return true
		}
	}
	return false
}
