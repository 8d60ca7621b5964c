// Package rehearse runs a release on a throwaway server and watches: what each
// statement locks, for how long, what it rewrites, reads and writes, and which
// queries stand still meanwhile.
//
// [Run] is the way through: the base schema from the deployed migrations (kept
// in the cache by content), rows and traffic where they are asked for, then the
// new migrations in the transactions that their runner makes. What was seen is
// put into the report of the audit, beside what the model said; where the two
// differ, the model has a fault.
//
// Nothing of a migration runs anywhere but on the throwaway server, as a role
// that is no superuser unless that is asked for.
package rehearse
