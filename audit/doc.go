// Package audit is the main job: what does this branch do to the database, and
// does the deploy survive it?
//
// [Changelog] compares two revisions of a repository. It finds the new migrations,
// converts them to SQL as their framework will run it, folds the deployed ones into a
// catalog, judges the new ones and returns a report. [Check] does the same for named
// files. Both use the same engine (internal/rule) and neither connects to a database.
package audit
