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
// With recordings the load is what code was seen to send: its queries and
// transactions, in their proportions, with values that fit the rows there are
// (made.go), those first that work on what the release touches (deck.go). What
// does not run at the base is found out before (trial.go), and what must not run is
// never sent (recorded.go).
//
// Who waited is not guessed from latencies: a session of its own asks the server
// which of the load's sessions stand behind a lock, of which relation, and whose.
package traffic
