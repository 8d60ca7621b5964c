// Package traffic runs a light load on the tables that a release touches while
// its migrations run, and says afterwards who waited for which statement.
//
// The load is made up from the schema: reads of one row by its key, inserts and
// updates that are rolled back at once, now and then a reader that goes through
// a table, and, when asked for, a transaction that was begun before the release
// and stays open. Its queries name their columns and are prepared, as those of
// an ORM and of pgx are, so a column that is dropped or a plan that no longer
// fits shows as it would for the deployed code.
//
// Who waited is not guessed from latencies: a session of its own asks the server
// which of the load's sessions stand behind a lock, of which relation, and whose.
package traffic
