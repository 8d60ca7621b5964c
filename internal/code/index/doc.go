// Package index combines the facts of all files with a schema, and answers which code needs a relation, a column, a function
// or another object. The answers have positions in the code, the best evidence first.
package index
