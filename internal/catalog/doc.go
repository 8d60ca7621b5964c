// Package catalog holds the schema as Postgres would hold it, as far as the
// migrations tell.
//
// A [Catalog] is an immutable value. [Catalog.Apply] folds one statement into
// it and gives a new one; the old one stays as it was, so a rule can compare
// the state before a statement, after it, at the last commit and at the base
// of the release. Objects are found by name but referred to by [OID]: a rename
// changes one name and no reference.
//
// What the catalog has not seen created is not missing, it is unknown: a
// statement about an unknown relation makes it an inferred one, which exists,
// may be huge and may have any column. A statement that nobody modelled is
// listed in [Catalog.Unmodelled]; nothing is dropped silently.
//
// [Diff] gives the difference of two catalogs as other sessions see it.
package catalog
