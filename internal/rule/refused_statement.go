package rule

import (
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Rules that explain several kinds of refusals.
const (
	unsuitable  = "constraint-using-index-unsuitable"
	unsupported = "index-drop-concurrently-unsupported"
	identity    = "publication-identity-missing"
)

// refusals maps refusals to the rules that explain them, for refusals that have a rule of
// their own with a fix.
var refusals = map[pgerror.Kind]string{
	pgerror.ForeignKeyNotValid: "constraint-foreign-key-not-valid-partitioned",

	pgerror.UsingTaken:       unsuitable,
	pgerror.UsingInvalid:     unsuitable,
	pgerror.UsingNotUnique:   unsuitable,
	pgerror.UsingExpressions: unsuitable,
	pgerror.UsingPartial:     unsuitable,
	pgerror.UsingSorted:      unsuitable,

	pgerror.IndexConcurrently: "index-concurrent-partitioned",

	pgerror.DropConcurrentlyPartitioned: unsupported,
	pgerror.DropConcurrentlyMany:        unsupported,
	pgerror.DropConcurrentlyCascade:     unsupported,

	pgerror.DetachConcurrently: "partition-detach-concurrently-unsupported",

	pgerror.PublishesUpdates:   identity,
	pgerror.PublishesDeletes:   identity,
	pgerror.UnidentifiedUpdate: identity,
	pgerror.UnidentifiedDelete: identity,

	pgerror.RefreshConcurrently: "view-refresh-concurrently-unsupported",
}

// RefusedRule returns the rule that explains the server's refusal of the statement; "" if
// the server does not refuse it, or only its message is known. The general rule ignores
// refusals that have a rule.
func (s *Stmt) RefusedRule() string {
	if len(s.Problems) > 0 && s.Problems[0].Replaced != nil {
		return "function-replace-refused"
	}
	if s.Result.Refused == nil {
		return ""
	}
	return refusals[s.Result.Refused.Kind]
}

// IsOptional reports whether a statement may be skipped, or its failure caught: it is in a
// DO block, under a condition or in a block with an exception handler.
func (s *Stmt) IsOptional() bool {
	if s.Conditional || s.Loop {
		return true
	}
	return s.Parent >= 0 && s.Migration.Statements[s.Parent].handlesErrors()
}

// handlers caches for the DO blocks of a migration whether they have an exception
// handler.
type handlers map[*Stmt]bool

// handlesErrors reports whether a DO block catches errors inside it.
func (s *Stmt) handlesErrors() bool {
	seen := BuildOnce(&s.Migration.Notes, func() handlers { return handlers{} })
	if handles, ok := seen[s]; ok {
		return handles
	}
	seen[s] = analysis.IndexWord(strings.ReplaceAll(s.SQL, "$", " "), "EXCEPTION") >= 0
	return seen[s]
}

// uncheckedBodies is the first statement of a migration that sets check_function_bodies.
type uncheckedBodies struct{ by *Stmt }

// ReadsBodies reports whether the server checks the bodies of functions when a statement
// runs. The dumps of pg_dump switch that off.
func (s *Stmt) ReadsBodies() bool {
	m := s.Migration
	first := BuildOnce(&m.Notes, func() uncheckedBodies {
		for _, o := range StatementsOf[*pgparse.Node_VariableSetStmt](m) {
			if o.Node.GetVariableSetStmt().GetName() == "check_function_bodies" {
				return uncheckedBodies{o}
			}
		}
		return uncheckedBodies{}
	}).by
	return first == nil || first.Index >= s.Index
}

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
