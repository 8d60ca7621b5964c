// Package pgparse reads SQL. It is the only importer of the parser
// (github.com/sqlc-dev/oliphant, PostgreSQL 18's grammar). Other packages see the syntax
// tree through the aliases in nodes.go.
//
// [SplitText] splits a text into statements as the server's grammar does. It continues after
// a statement that the grammar rejects, and loses only that statement. SQL comes from
// strangers, so size and nesting are limited before the parser sees a byte: the parser's
// time is quadratic in nesting, and unbounded recursion would end the process.
package pgparse

//go:generate go run ./gen
