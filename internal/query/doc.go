// Package query is the binder: it tells what the names in a query mean.
//
// [BindStatement] takes a parsed statement and a [Lookup] (a catalog is one) and returns a [Level]
// for each SELECT, INSERT, UPDATE, DELETE and MERGE in it. A Level holds the entries of
// FROM, the visible WITH queries, the output columns, and the names in its expressions by
// clause. [Level.LikeliestMeaning] returns what a column's name means at that level, and
// [Level.Resolve] all that it may mean. A caller that needs another order than Postgres'
// visits the levels in that order. No other package reads WITH, FROM and scopes out of a
// parse tree.
//
// [ListUses] returns the same as a flat list of facts: the relations, columns, stars, values,
// arbiters, functions, types, sequences and settings that a statement needs, each with
// its place in the text.
//
//	for _, u := range query.ListUses(stmt.Node, catalog) {
//		switch u.How {
//		case query.InsertsColumn: // u.Table, u.Column, stmt.Start+u.At
//		}
//	}
//
// What a Lookup does not know is unknown, not absent. A relation without a Table may have
// any column. A name that such a relation may have, or another one, is not Sure.
// Parameters ($1) are neither names nor values.
//
// The package reads only the tree and the Lookup, and changes neither.
package query
