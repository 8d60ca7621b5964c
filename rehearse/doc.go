// Package rehearse runs a release on a throwaway server and watches: what each
// statement locks, for how long, what it rewrites, reads and writes, and which
// queries wait meanwhile.
//
// Start reading at [Run]. It creates the base schema from the deployed
// migrations (kept in the cache by content), and rows and traffic if requested.
// Then it runs the new migrations in the transactions that their migration tool
// would use. It adds its observations to the audit's report, next to the
// model's predictions. If the two differ, the model has a bug.
//
// Migrations run nowhere but on the throwaway server, and as a role that is no
// superuser unless that is requested.
package rehearse
