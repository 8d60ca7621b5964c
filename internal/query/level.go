package query

import "github.com/onward-sql/onward/internal/pgparse"

// Level is one query of a statement: what stands between one SELECT, INSERT,
// UPDATE, DELETE or MERGE and its end, without the queries inside it. Names
// of columns mean what is in FROM at their level, or at one around it.
type Level struct {
	// Node is *pgparse.SelectStmt, *InsertStmt, *UpdateStmt, *DeleteStmt or
	// *MergeStmt; nil for an expression that stands in no query, for a level that
	// only makes WITH queries visible, and for one that could not be read, which
	// is Open.
	Node any
	// Outer is the level that this one stands in; nil for a statement's own.
	Outer *Level
	// With are its WITH queries, in order.
	With []*CTE
	// Arms are the two sides of UNION, INTERSECT and EXCEPT.
	Arms []*Level
	// Target is what INSERT, UPDATE, DELETE or MERGE write to.
	Target *Source
	// Sources are the entries of FROM (USING, the source of MERGE), joins taken
	// apart, from left to right. The target comes first, where names may mean it.
	Sources []*Source
	// Query is the query of an INSERT, VALUES too; nil for DEFAULT VALUES.
	Query *Level
	// Excluded is the row of ON CONFLICT that was not inserted.
	Excluded *Source
	// Rows are "old" and "new" in RETURNING, which 18 has.
	Rows []*Source
	// Names are the names and queries in the expressions of the level, as
	// Postgres comes to them. Clause tells where they stand.
	Names []Name
	// Outputs are the columns that it gives. Open: there may be more of them,
	// or not all are known.
	Outputs []Output
	Open    bool
	// Merged says that a join makes one column of two, by USING or NATURAL.
	Merged, Natural bool
	// Clause is where it stands in the level around it, sees how many of that one's
	// sources stand before it.
	Clause Clause
	sees   int
	inner  *inside
}

// CTE is a query of WITH.
type CTE struct {
	Node    *pgparse.CommonTableExpr
	Name    string
	Query   *Level
	Outputs []Output
	Open    bool
	// Recursive: it may read itself, and those behind it.
	Recursive bool
}

// Source is an entry of FROM, or the target of a statement.
type Source struct {
	// Alias is what columns are qualified with; "" when nothing is.
	Alias string
	// Range is the name of a relation or of a WITH query, as it is written; nil
	// for a query, a function and the alias of a join.
	Range *pgparse.RangeVar
	// Table is the relation, as far as the Lookup knows it.
	Table Table
	// CTE is the WITH query that the name means; it is no relation then.
	CTE *CTE
	// Query is a sub-query in FROM.
	Query *Level
	// Columns are those of anything but a table; and of a table whose columns go
	// by other names here (t AS x (a, b)), Renamed then.
	Columns []Output
	Renamed bool
	// Open: it may have columns that are not known.
	Open bool
	// hidden is how many sources stand before the alias of a join that hides it; 0
	// where nothing does.
	hidden int
}

// Output is a column that a query gives.
type Output struct {
	Name string
	// Expr is the expression; nil for a column that a star stands for.
	Expr *pgparse.Node
	// Level is where names in Expr are looked up.
	Level *Level
	// Source and Column: it is, as it stands, this column of an entry of FROM.
	// Column is its name there.
	Source *Source
	Column string
}

// Clause is a part of a query.
type Clause uint8

// The clauses.
const (
	Targets   Clause = iota + 1 // of SELECT, or the values of UPDATE … SET
	Values                      // rows of VALUES
	From                        // the arguments of functions in FROM
	On                          // conditions of joins
	Where                       // and the join condition of MERGE
	Group                       // GROUP BY
	Having                      //
	Sort                        // ORDER BY
	Distinct                    // DISTINCT ON
	Window                      // WINDOW
	Limit                       // LIMIT and OFFSET
	Conflict                    // ON CONFLICT: the arbiter, its condition, what DO UPDATE sets
	When                        // the branches of MERGE
	Returning                   //
)

// Name is something in an expression that has a name, or a query in it.
type Name struct {
	Clause Clause
	// Node is *pgparse.ColumnRef, *FuncCall, *TypeName, *A_Indirection, or, with
	// Query, *SubLink or *SelectStmt.
	Node  any
	Query *Level
	// Sees is how many of the sources stand before it.
	Sees int
}

// In calls f for the names of some clauses.
func (l *Level) In(f func(Name) bool, clauses ...Clause) {
	for _, c := range clauses {
		for i := range l.Names {
			if l.Names[i].Clause == c && !f(l.Names[i]) {
				return
			}
		}
	}
}

// Walk calls f for a level and all levels inside, as Postgres comes to them:
// those of WITH, then itself, then the others. It stops when f returns false.
func (l *Level) Walk(f func(*Level) bool) bool {
	if l == nil {
		return true
	}
	for _, c := range l.With {
		if !c.Query.Walk(f) {
			return false
		}
	}
	if !f(l) {
		return false
	}
	for _, a := range l.Arms {
		if !a.Walk(f) {
			return false
		}
	}
	if !l.Query.Walk(f) {
		return false
	}
	for _, s := range l.Sources {
		if !s.Query.Walk(f) {
			return false
		}
	}
	for i := range l.Names {
		if !l.Names[i].Query.Walk(f) {
			return false
		}
	}
	return true
}

// Inner is the level of a query inside the same statement, by its node:
// *pgparse.SelectStmt and the like; nil for one that it does not have.
func (l *Level) Inner(node any) *Level {
	if l.inner == nil {
		return nil
	}
	return l.inner.find(node)
}

// inside are the levels of one statement.
type inside struct {
	list   []*Level
	byNode map[any]*Level // where there are many
}

func (i *inside) add(l *Level) {
	i.list = append(i.list, l)
	if i.byNode == nil && len(i.list) > 16 {
		i.byNode = map[any]*Level{}
		for _, l := range i.list {
			i.byNode[l.Node] = l
		}
	} else if i.byNode != nil {
		i.byNode[l.Node] = l
	}
}

func (i *inside) find(node any) *Level {
	if i.byNode != nil {
		return i.byNode[node]
	}
	for _, l := range i.list {
		if l.Node == node {
			return l
		}
	}
	return nil
}

// output finds a column by name.
func output(list []Output, name string) *Output {
	for i := range list {
		if list[i].Name == name {
			return &list[i]
		}
	}
	return nil
}
