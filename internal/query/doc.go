// Package query is the binder: it tells what the names in a query mean.
//
// [Bind] takes a parsed statement and a [Lookup] (a catalog is one) and gives its
// [Level]s: one for each SELECT, INSERT, UPDATE, DELETE and MERGE in it, with the
// entries of FROM, what WITH makes visible, what it gives, and the names in its
// expressions by clause. [Level.Means] tells what a column's name means there,
// and [Level.Resolve] all that it may mean. Who needs another order than Postgres
// goes through the levels in that order; nobody else reads WITH, FROM and the
// scopes of names out of a tree.
//
// [Uses] is the same as a flat list of facts: the relations, columns, stars,
// values, arbiters, functions, types, sequences and settings that a statement
// needs, each with its place in the text.
//
//	for _, u := range query.Uses(stmt.Node, catalog) {
//		switch u.How {
//		case query.InsertsColumn: // u.Table, u.Column, stmt.Start+u.At
//		}
//	}
//
// What a Lookup does not know is unknown, not absent: a relation without a Table
// may have any column, and a name that such a relation may have, or another one,
// is not Sure. Parameters ($1) are no names and no values.
//
// Nothing is changed and nothing is read but the tree and the Lookup.
package query
