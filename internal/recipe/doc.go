// Package recipe knows the safe form of each kind of change to a schema: the steps before
// the new code is deployed (expand), in the background (backfill), and when the old code
// is gone (contract).
//
// A recipe is a function of the schema, the change and the findings about it. Each has its
// own file. It runs nothing and reads no file. Another package proves its steps on a
// server: they must lead to the same schema as the change itself.
package recipe
