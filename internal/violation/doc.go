// Package violation derives, from the SQL of a plan's steps, the queries that find rows which violate a
// condition of a step: NOT NULL, CHECK, FOREIGN KEY, UNIQUE. It can also do so before the plan's own backfills
// have run. The queries then compute each row as the backfills will leave it.
package violation
