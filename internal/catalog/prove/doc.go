// Package prove holds the fold of package catalog against real servers: it
// runs the SQL of catalog's own test files, statement by statement, on each
// major version of Postgres, and compares what pg_catalog says afterwards, and
// which statements failed with which SQLSTATE, with what the catalog says. All
// of it is in the test.
package prove
