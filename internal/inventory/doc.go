// Package inventory reads everything that a server holds about a relation: its columns, indexes, constraints, privileges and
// dependents. An entry has the server's own definition, so that two readings can be compared, and a difference can be printed.
//
// The list of catalogs is complete by construction: a test takes it from the servers, and each catalog column has a case there.
package inventory
