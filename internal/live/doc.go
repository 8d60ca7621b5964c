// Package live reads a running server, without changing anything in it: its
// schema as a [catalog.Catalog], and the sizes of its tables.
//
// The schema is rendered by the server itself, as DDL in the order in which
// pg_dump would write it, and that DDL is folded: the fold is proven against
// servers, so there is no second way from a system catalogue to ours. All of
// it happens in one read-only transaction with one snapshot, with timeouts, so
// that it neither waits long for a lock nor makes anyone wait.
//
// No row of a user's table is read, and no password is in an error.
package live
