// Package traffic runs a light load on the tables that a release touches while its
// migrations run, and says afterwards who waited for which statement.
//
// The load is generated from the schema: reads of one row by its key, inserts and
// updates that are rolled back at once, and an occasional reader that scans a
// table. On request it includes a transaction that began before the release and
// stays open. The queries name their columns and are prepared, like those of an ORM
// or of pgx. So a dropped column or an invalid cached plan causes the same errors
// as in the deployed code.
//
// With recordings, the load consists of the recorded queries and transactions, in
// their proportions, with values that fit the existing rows (made_values.go). Those that
// use relations of the release come first (query_deck.go). A trial first finds the
// queries that fail at the base (trial.go). Queries that must not run are never
// sent (recorded_query.go).
//
// Waits are not guessed from latencies: a separate session asks the server which of
// the load's sessions wait for a lock, on which relation, and who holds it.
package traffic
