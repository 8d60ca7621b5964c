// Package audit is the main job: what does this branch do to the database, and
// does the deploy survive it?
//
// [Changelog] compares two revisions of a repository: it finds the migrations
// that are new, turns them into SQL as their framework will run it, folds the
// deployed ones into a catalog, judges the new ones and gives a report. [Check]
// does the same for files that are named. Both run on the same engine
// (internal/rule) and neither connects to a database.
package audit
