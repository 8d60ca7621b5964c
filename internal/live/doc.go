// Package live reads a running server, without changing anything in it: its
// schema as a [catalog.Catalog], and the sizes of its tables.
//
// The server itself renders the schema as DDL, in the order in which pg_dump
// would write it. Package catalog then applies that DDL like a migration. That
// code is tested against servers, so there is no second conversion from the
// system catalogs. Everything happens in one read-only transaction with one
// snapshot and with timeouts, so that it neither waits long for a lock nor
// makes anyone wait.
//
// No row of a user's table is read, and no error contains a password.
package live
