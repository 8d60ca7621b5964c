// Package record runs a command, such as a test suite, against a Postgres through a proxy, and returns what it
// sent: each distinct query once, without its values, with the server's account of what it needs of the schema.
//
// The server is a throwaway one, empty or with the deployed schema, unless the user names an address. Onward
// writes nothing there: it resolves queries on a copy of the schema.
package record
