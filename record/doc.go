// Package record runs a command, such as a test suite, against a Postgres behind a
// proxy, and gives what it sent: each distinct query once, without its values, with
// what the server says that it needs of the schema.
//
// The server is a throwaway one, empty or with the deployed schema, unless an address
// is named. There nothing is written by us: what queries need is found out on a copy
// of its schema.
package record
