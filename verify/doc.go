// Package verify says which recorded queries a release breaks: at every commit point,
// on a throwaway server, old code's queries and new code's are prepared and planned
// again where they use anything that changed, and the server's words are kept.
//
//	verify.go   Config and Run: the walk through the release
//	query.go    the queries, and what their texts name
//	catalog.go  what changed between two points, told by the server
//	detail.go   the tables that changed, column by column
//	ask.go      what the server says to a batch of queries
//	plan.go     what a plan tells: columns left out, indexes used
//	judge.go    answers at the points into verdicts; shape.go, reject.go: one kind each
//	phase.go    on which side of the deploy a migration belongs
//	wait.go     whom locks make wait
package verify
