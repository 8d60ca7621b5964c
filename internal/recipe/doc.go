// Package recipe knows the safe form of each kind of change to a schema: what takes its
// place before the new code comes (expand), in the background (backfill), and when the old
// code is gone (contract).
//
// A recipe is a function of the schema, the change and what stands against it; one file
// each. It runs nothing and reads no file. What its steps do is proven elsewhere: on a
// server they must come to what the change itself comes to.
package recipe
