// Package pgparse reads SQL. It is the only importer of the parser
// (github.com/sqlc-dev/oliphant, PostgreSQL 18's grammar): every other package
// sees the syntax tree through the aliases in nodes.go.
//
// [Split] cuts a text into statements the way the server's grammar does, and
// survives what the grammar rejects: one broken statement costs itself. SQL
// comes from strangers, so size and nesting are bounded before the parser sees
// a byte; the parser is quadratic in nesting, and unbounded recursion would
// end the process.
package pgparse

//go:generate go run ./gen
