// Package queries reads the queries of a file of code: SQL in strings and in files, calls of query builders and mappers, and
// ON CONFLICT that a call produces.
//
// A program assembles SQL from parts. [Text] joins them, with placeholders for values that are not known.
package queries
