// Package backfill changes and reads the rows of tables that others are using: in batches and chunks, at a pace that the others
// allow.
package backfill
