// Package verify says which recorded queries a release breaks. At every commit point, on a
// throwaway server, it prepares and plans the queries of old and new code again if they use
// anything that changed, and keeps the server's words.
//
//	verify.go            Config and Run: the walk through the release
//	query.go             the queries, and what their texts name
//	catalog.go           what changed between two points, according to the server
//	table_details.go     the tables that changed, column by column
//	describe_queries.go  the server's answers to a batch of queries
//	query_plan.go        facts from a query's plan: columns left out, indexes used
//	query_verdicts.go    answers at the points into verdicts; result_shape.go, result_rows.go,
//	                     rejected_writes.go: one kind each
//	deploy_phases.go     on which side of the deploy a migration belongs
//	replay.go            recorded messages, executed on the schema of each point; replay_verdicts.go: what they decide
//	waiting_queries.go   whom locks make wait
package verify
