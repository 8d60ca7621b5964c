package rule

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// failure is a statement that is certain to fail, with the names in it that nothing before it has.
type failure struct {
	*Stmt
	names []string
}

// maxFailures is how many failures of a migration are compared with each later statement.
const maxFailures = 50

// failures lists the first failures of a migration, in order.
type failures []failure

// failuresBefore returns the statements of the migration before this one that are certain to fail.
func (s *Stmt) failuresBefore() []failure {
	m := s.Migration
	list := BuildOnce(&m.Notes, func() failures {
		var out failures
		for _, x := range m.Statements {
			if len(out) < maxFailures && x.failsSurely() {
				out = append(out, failure{x, x.listNewNames()})
			}
		}
		return out
	})
	n, _ := slices.BinarySearchFunc(list, s.Index, func(f failure, index int) int { return f.Index - index })
	return list[:n]
}

// failsSurely reports whether a statement is certain to fail.
func (s *Stmt) failsSurely() bool {
	if s.Node == nil {
		return s.Err != nil
	}
	return !s.IsOptional() && (FailsOnAll(s.Results, s.Before) || slices.ContainsFunc(s.Problems, func(x catalog.Problem) bool { return x.Certain }))
}

// FollowsFailure reports whether a refusal of the statement may only follow from the failure of an earlier statement, which names the object.
func (s *Stmt) FollowsFailure(x *pgerror.Refusal) bool {
	list := s.failuresBefore()
	return len(list) == maxFailures || slices.ContainsFunc(list, func(f failure) bool {
		return len(x.Objects) == 0 || x.Objects[0] == "" || analysis.MentionsWord(f.SQL, x.Objects[0]) || mentionsAny(s.SQL, f.names)
	})
}

// listFailedDependencies lists the places in the release of earlier statements that are certain to fail, and that would have made an object of
// this statement. Nothing is known of such an object.
func (s *Stmt) listFailedDependencies() []int {
	var out []int
	for _, f := range s.failuresBefore() {
		if mentionsAny(s.SQL, f.names) {
			out = append(out, f.placeInRelease()[1])
		}
	}
	return out
}

func mentionsAny(text string, names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return analysis.MentionsWord(text, n) })
}

// listNewNames returns the names in a statement that the schema before it does not have.
func (s *Stmt) listNewNames() []string {
	var names []string
	known := map[string]bool{}
	add := func(list ...string) {
		for _, name := range list {
			if name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	know := func(r *catalog.Relation) {
		if r == nil {
			return
		}
		known[r.Name.Name] = true
		for _, c := range r.Columns {
			known[c.Name] = true
		}
	}
	pgparse.Walk(s.Node, func(msg any) bool {
		switch n := msg.(type) {
		case *pgparse.RangeVar:
			add(n.GetRelname())
			know(s.Before.Lookup(pgparse.RangeName(n)))
		case *pgparse.ColumnDef:
			add(n.GetColname())
		case *pgparse.Constraint:
			add(n.GetConname())
		case *pgparse.IndexStmt:
			add(n.GetIdxname())
		case *pgparse.RenameStmt:
			add(n.GetNewname())
		case *pgparse.AlterTableCmd:
			add(n.GetName())
		case *pgparse.String:
			add(n.GetSval())
			know(s.Before.Lookup("", n.GetSval()))
		}
		return true
	})
	return slices.DeleteFunc(names, func(name string) bool {
		_, isType := builtin.Type(name)
		return known[name] || isType || builtin.Known(name) || s.Before.LookupType("", name) != nil
	})
}
