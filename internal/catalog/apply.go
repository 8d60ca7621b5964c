package catalog

import (
	"math"

	"github.com/onward-sql/onward/internal/fault"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Problem is the server's objection to a statement, which would fail.
type Problem struct {
	pgerror.Refusal
	// Certain is false if the catalog was folded from an incomplete history, so that the
	// object may exist unseen.
	Certain bool
	// Conflict says that the refusal follows from what the catalog holds, so that the statement
	// fails unless something unseen changed the schema.
	Conflict bool
	// Unseen says that no statement of the history created the missing object, although
	// the history looks complete. Something outside the history may have created it, so
	// Certain is false.
	Unseen bool
	// Extension is one that comes with Postgres and brings the missing object; "" if none does.
	Extension string
	// Query says that the server refuses a row that a query of the statement returns. The
	// query may return none, so Certain is false.
	Query bool
	// Body says that it is in the body of a function, which the server does not check if
	// check_function_bodies is off.
	Body bool
	// Like is an existing name that differs only in capital letters, which a name without
	// quotes loses.
	Like string
	// InTheWay is the view that prevents it, if there is one. Held names another object
	// that depends on a column: "publication crm".
	InTheWay *Relation
	Held     string
	// Lost is an object that the statement silently drops on the versions that do not
	// refuse it: "column b of t".
	Lost string
	// Replaced is the function that CREATE OR REPLACE would change in a way that is not
	// allowed, and By the new function; nil for any other problem.
	Replaced, By *Function
}

// fold is the state while one statement is folded.
type fold struct {
	// Catalog is the copy under construction.
	*Catalog
	owned []*Relation // relations that this statement has copied or created; nil if one was dropped
	// places are the indexes into owned by OID, used if owned is long.
	places map[OID]int
	own    owner // of the trie nodes that this statement creates
	// sql is the statement's text. The nodes' offsets refer to it.
	sql      string
	problems []Problem
	// creating is the relation that the statement is about to create. The statement
	// cannot read it.
	creating Name
	// failed is set by a certain problem: the statement changes nothing.
	failed bool
	// using: a relation may have begun to call a function or to use a type.
	using bool
	// depth limits the recursion over partitions and children.
	depth int
	// tried counts the generated names found taken, for names that many objects share.
	tried map[nameParts]int
	// constraints are the names of the table that is added to.
	constraints namedConstraints
}

// maxDepth limits the recursion over partitions, children and dependents.
const maxDepth = 100

// Apply folds one statement. It returns the catalog that the server would have
// afterwards, and the server's objections to the statement. c is unchanged.
//
// A statement with a certain problem fails on the server, so the catalog does not change.
// If the problem is not certain (the history is not complete), the fold continues as if
// the statement had succeeded: later statements were written by people for whom it did.
// sql is the statement's text.
func (c *Catalog) Apply(node *pgparse.Node, sql string) (*Catalog, []Problem) {
	msg := pgparse.Unwrap(node)
	if isDataStatement(msg) {
		return c, nil
	}
	next := *c
	next.foldCount++
	next.written += len(sql)
	f := &fold{Catalog: &next, sql: sql, own: next.foldCount}
	f.countMade(0)
	f.foldStatement(msg)
	if f.failed {
		return c, f.problems
	}
	if f.using {
		f.recordUses(c)
	}
	return f.Catalog, f.problems
}

// mostMade limits the columns and copies of relations that statements make without naming each of them, as a table LIKE a wide one
// does, or a GRANT on all tables. It takes 2 seconds and 500 MB.
const mostMade = 250_000

// countMade counts a column as 1, and a copy of a relation as 2.
func (f *fold) countMade(n int) {
	if f.made += n; f.made > mostMade+f.written {
		panic(fault.Bound("too large: the statements of the release change more than " + itoa(mostMade) + " relations and columns that they do not name"))
	}
}

// SetMade sets what the statements have made: nothing if they are deployed, all that may be if one has reached the limit.
func (c *Catalog) SetMade(all bool) {
	if c.made, c.written = 0, 0; all {
		c.made = math.MaxInt32
	}
}

// addProblem records a problem and returns it. The pointer is valid until the next problem.
func (f *fold) addProblem(certain bool, kind pgerror.Kind, objects ...string) *Problem {
	return f.addRefusal(certain, kind.NewRefusal(objects...))
}

// addConflict records a refusal that follows from what the catalog holds. It is certain if
// nothing unseen can have changed that; known is false for what was only inferred.
func (f *fold) addConflict(known bool, kind pgerror.Kind, objects ...string) *Problem {
	return f.addConflictRefusal(known, kind.NewRefusal(objects...))
}

// addConflictRefusal is addConflict for an existing refusal.
func (f *fold) addConflictRefusal(known bool, no *pgerror.Refusal) *Problem {
	p := f.addRefusal(known && f.isHistoryComplete(), no)
	p.Conflict = known
	return p
}

// addMissingPart records that a relation lacks a part that a statement names.
func (f *fold) addMissingPart(r *Relation, kind pgerror.Kind, objects ...string) {
	f.addProblem(f.isHistoryComplete(), kind, objects...).Conflict = f.IsFullyKnown(r)
}

// IsFullyKnown reports whether all columns and constraints of a relation are known: it was seen
// created, and there was nothing unreadable since.
func (c *Catalog) IsFullyKnown(r *Relation) bool {
	return !r.Inferred && !r.Partial && (c.Complete || c.Unmodelled == nil)
}

// addRefusal is addProblem for an existing refusal.
func (f *fold) addRefusal(certain bool, no *pgerror.Refusal) *Problem {
	f.problems = append(f.problems, Problem{Refusal: *no, Certain: certain})
	if certain {
		f.failed = true
	}
	return &f.problems[len(f.problems)-1]
}
