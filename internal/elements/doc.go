// Package elements plans a release from the difference of two schemas, and not from its statements one by one.
//
// The difference of the deployed catalog and the catalog after the release gives elements: columns, constraints, indexes, tables
// and other objects. Each has a target: it becomes present, becomes absent, or is replaced by another one of its name. An element
// is itself and not its name. A column that is dropped and one that then takes its name are two elements, and names are given at the end.
//
// A transition has the statement with which an element reaches its target if several statements of the release do it together. For ADD COLUMN
// b, UPDATE … SET b = a::bigint, DROP COLUMN a and RENAME b TO a it is one ALTER COLUMN a TYPE bigint. Other statements stay as written.
// [Restate] puts both in an order that the rules of order allow, or reports the cycle that forbids one. The recipes make steps of the restated
// release, and a server proves them against the release as it was written.
package elements
