// Package deployed reads the code at one revision of a repository, and answers the questions of rules about it: which places
// of the code need a table, a column or another object, and how that is known.
//
// [Code] first asks the models of the framework, then the index of the code (package index), then searches for names.
// [SmallTables] guesses from the code which tables are small.
package deployed
