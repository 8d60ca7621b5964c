// Package workload is the recording of what a release's code sends to its
// database: each distinct query once, without its values, with how often it was
// sent, by whom, and in which order inside a transaction.
//
// A Workload is made by the proxy (internal/wire), or from what a server or a
// project has kept (import.go), is stored as JSON (codec.go) and put together from
// parts (merge.go). Nothing of it holds a literal or a parameter's value.
package workload
