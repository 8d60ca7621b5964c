// Package prove compares package catalog with real servers. It runs the SQL of
// ../testdata/*.txt, statement by statement, on each major version of Postgres. Then
// it compares pg_catalog, and the SQLSTATE of each failed statement, with the
// catalog. All of its code is in the tests.
package prove
