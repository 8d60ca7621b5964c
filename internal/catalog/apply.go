package catalog

import (
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// Problem is what the server would have against a statement: it would fail.
type Problem struct {
	refuse.Refusal
	// Certain is false when the catalog was folded from an incomplete
	// history, so that the object may exist unseen.
	Certain bool
	// Unseen says that no statement of the history created what is missing,
	// where the history looks whole: something beside it may have. Certain is
	// false then.
	Unseen bool
	// Query says that the server refuses a row that a query of the statement
	// gives: it may give none. Certain is false then.
	Query bool
	// Body says that it stands in the body of a function, which is not read where
	// check_function_bodies is off.
	Body bool
	// Like is what exists and has the name but for capital letters, which a name
	// without quotes loses.
	Like string
	// InTheWay is the view that stands against it, where there is one; Held says
	// what else depends on a column, in words: "publication crm".
	InTheWay *Relation
	Held     string
	// Lost is what the statement takes along without a word on the versions that
	// do not refuse it: "column b of t".
	Lost string
	// Replaced is the function that CREATE OR REPLACE would give another
	// shape, and By that one; nil for any other problem.
	Replaced, By *Function
}

// fold is one statement being folded.
type fold struct {
	// Catalog is the copy under construction.
	*Catalog
	owned []*Relation // relations that this statement has copied or made; nil where one went
	// places are those of owned by OID, where they are many.
	places map[OID]int
	own    owner // of the tries' nodes that this statement makes
	// sql is the statement's text: the nodes' offsets count from its start.
	sql      string
	problems []Problem
	// creating is the relation that the statement is about to create: it
	// cannot be made of itself.
	creating Name
	// failed is set by a certain problem: the statement changes nothing.
	failed bool
	// using: a relation came to call a function or to have a type, perhaps.
	using bool
	// depth bounds the recursion over partitions and children.
	depth int
	// tried is how many names were found taken where many things have the like.
	tried map[chosen]int
	// constraints are the names of the table that is added to.
	constraints namedConstraints
}

// maxDepth bounds the recursion over partitions, children and dependents.
const maxDepth = 100

// Apply folds one statement: it gives the catalog that the server would have
// afterwards, and what the server would have against it. c is unchanged.
//
// A statement with a certain problem fails on the server, so the catalog stays
// as it was. Where the problem is not certain (the history is not complete),
// the fold goes on as if the statement succeeded: later statements were
// written by people for whom it did. sql is the statement's text.
func (c *Catalog) Apply(node *pgparse.Node, sql string) (*Catalog, []Problem) {
	msg := pgparse.Unwrap(node)
	if data(msg) {
		return c, nil
	}
	next := *c
	next.folded++
	f := &fold{Catalog: &next, sql: sql, own: next.folded}
	f.statement(msg)
	if f.failed {
		return c, f.problems
	}
	if f.using {
		f.noteUses(c)
	}
	return f.Catalog, f.problems
}

// fail records a problem.
func (f *fold) fail(certain bool, kind refuse.Kind, objects ...string) {
	f.deny(certain, kind.Of(objects...))
}

// deny is fail for what is told already.
func (f *fold) deny(certain bool, no *refuse.Refusal) {
	f.problems = append(f.problems, Problem{Refusal: *no, Certain: certain})
	if certain {
		f.failed = true
	}
}
