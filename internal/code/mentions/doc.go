// Package mentions finds names in code that may mean an object of the schema, although no query or declaration shows it.
package mentions
