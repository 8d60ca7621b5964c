package query

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// MaxOutputs is how many columns a query may return: https://www.postgresql.org/docs/current/limits.html. Stars of stars would make any number.
const MaxOutputs = 1664

// Level is one SELECT, INSERT, UPDATE, DELETE or MERGE of a statement, without the
// queries inside it. Column names refer to FROM at their own level or at an outer one.
type Level struct {
	// Node is *pgparse.SelectStmt, *InsertStmt, *UpdateStmt, *DeleteStmt or *MergeStmt.
	// It is nil for an expression outside any query, for a level that only makes WITH
	// queries visible, and for a level that could not be read (which is Open).
	Node any
	// Outer is the level around this one; nil for the statement's top level.
	Outer *Level
	// With are its WITH queries, in order.
	With []*CTE
	// withNames are the indexes of all WITH queries of the list, of which With is the beginning.
	withNames map[string]int
	// Arms are the two sides of UNION, INTERSECT and EXCEPT.
	Arms []*Level
	// Target is the relation that INSERT, UPDATE, DELETE or MERGE writes to.
	Target *Source
	// Sources are the entries of FROM (USING, the source of MERGE) from left to right,
	// with joins taken apart. The target comes first if names may refer to it.
	Sources []*Source
	// Query is the query of an INSERT, including VALUES; nil for DEFAULT VALUES.
	Query *Level
	// Excluded is the row that ON CONFLICT calls excluded.
	Excluded *Source
	// Rows are "old" and "new" in RETURNING, since Postgres 18.
	Rows []*Source
	// Names are the names and queries in the level's expressions, in the order in which
	// Postgres visits them. Each has its Clause.
	Names []Name
	// Outputs are the columns that the level returns. Open: there may be more, or not all
	// are known.
	Outputs []Output
	Open    bool
	// TooWide: its stars expand to more than MaxOutputs columns, which the server refuses.
	TooWide bool
	// Merged: a join merges two columns into one, by USING or NATURAL.
	Merged, Natural bool
	// Clause is the clause of the outer level that contains this one. sees counts the
	// outer sources that precede it.
	Clause Clause
	sees   int
	inner  *levelIndex
}

// CTE is a query of WITH.
type CTE struct {
	Node    *pgparse.CommonTableExpr
	Name    string
	Query   *Level
	Outputs []Output
	Open    bool
	// Recursive: the query may read itself and the WITH queries that follow it.
	Recursive bool
}

// Source is an entry of FROM, or the target of a statement.
type Source struct {
	// Alias qualifies the columns; "" if nothing does.
	Alias string
	// Range is the name of a relation or of a WITH query, as written; nil for a
	// sub-query, a function and the alias of a join.
	Range *pgparse.RangeVar
	// Table is the relation if the Lookup knows it.
	Table Table
	// CTE is the WITH query that the name means; the source is no relation then.
	CTE *CTE
	// Query is a sub-query in FROM.
	Query *Level
	// Columns are the columns of any entry that is not a table. A table has them only if
	// its alias renames its columns (t AS x (a, b)); Renamed is set then.
	Columns []Output
	Renamed bool
	// Open: it may have columns that are not known.
	Open bool
	// hidden counts the sources that precede the alias of a join that hides this one; 0
	// if none hides it.
	hidden int
}

// Output is a column that a query returns.
type Output struct {
	Name string
	// Expr is the expression; nil for a column that comes from a star.
	Expr *pgparse.Node
	// Level is where names in Expr are looked up.
	Level *Level
	// Source and Column are set if the output is an unchanged column of an entry of FROM.
	// Column is the name of the column there.
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
	// Node is *pgparse.ColumnRef, *FuncCall, *TypeName, *CollateClause, *A_Indirection, or, with
	// Query, *SubLink or *SelectStmt.
	Node  any
	Query *Level
	// Sees counts the sources that precede the name and that it can refer to.
	Sees int
}

// EachName calls f for the names in some clauses.
func (l *Level) EachName(f func(Name) bool, clauses ...Clause) {
	for _, c := range clauses {
		for i := range l.Names {
			if l.Names[i].Clause == c && !f(l.Names[i]) {
				return
			}
		}
	}
}

// Walk calls f for a level and all levels inside it, in Postgres' order: first the WITH
// queries, then the level itself, then the rest. It stops when f returns false.
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

// InnerLevel returns the level of a query in the same statement by its node, such as
// *pgparse.SelectStmt; nil if there is none.
func (l *Level) InnerLevel(node any) *Level {
	if l.inner == nil {
		return nil
	}
	return l.inner.findLevel(node)
}

// levelIndex holds the levels of one statement.
type levelIndex struct {
	list   []*Level
	byNode map[any]*Level // only used if there are many
}

func (i *levelIndex) addLevel(l *Level) {
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

func (i *levelIndex) findLevel(node any) *Level {
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

// findOutput finds a column by name.
func findOutput(list []Output, name string) *Output {
	for i := range list {
		if list[i].Name == name {
			return &list[i]
		}
	}
	return nil
}

// listOrigins returns the columns of relations that a column of an entry comes from: its own
// column, a column of a side of a join, or, through a star, a column of a sub-query's
// relations. Columns that a sub-query names are recorded at the sub-query itself.
func (s *Source) listOrigins(column string) []Meaning {
	t := trace{}
	t.traceSource(s, column)
	return t.found
}

// trace follows a column to the relations that it may come from.
type trace struct {
	found []Meaning
	// seen lists the levels already visited: a recursive query reads itself.
	seen []*Level
}

func (t *trace) traceSource(s *Source, column string) {
	o := findOutput(s.Columns, column)
	if s.isTable() && (!s.Renamed || o == nil && s.Open) {
		t.found = append(t.found, Meaning{Source: s, Column: column})
		return
	}
	switch {
	case o != nil:
		if o.Source != nil {
			t.traceSource(o.Source, o.Column)
		}
	case s.CTE != nil:
		t.traceLevel(s.CTE.Query, column)
	default:
		t.traceLevel(s.Query, column)
	}
}

// traceLevel follows the stars of a query that is not known to return the column.
func (t *trace) traceLevel(l *Level, column string) {
	if l == nil || !l.Open || slices.Contains(t.seen, l) {
		return
	}
	t.seen = append(t.seen, l)
	for _, a := range l.Arms {
		t.traceLevel(a, column)
	}
	l.EachName(func(n Name) bool {
		if ref, ok := n.Node.(*pgparse.ColumnRef); ok && pgparse.EndsInStar(ref) {
			for _, s := range l.StarSources(ref) {
				t.traceSource(s, column)
			}
		}
		return true
	}, l.outputClause())
}
