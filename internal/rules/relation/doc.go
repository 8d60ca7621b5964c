// Package relation has the rules about tables, partitions, views and sequences as a whole.
package relation
