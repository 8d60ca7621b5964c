// Package read reads one file of deployed code into facts, with the package of its language.
//
// [Read] parses the SQL in strings and query files, and reads what the file declares to a mapper. The facts depend on nothing
// else, so they may be cached. A word somewhere in the code is no use of the database.
package read
