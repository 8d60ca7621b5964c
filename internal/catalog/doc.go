// Package catalog holds the schema as Postgres would hold it, as far as it follows from
// the migrations.
//
// A [Catalog] is an immutable value. [Catalog.Apply] applies one statement and returns a
// new catalog. The old one does not change, so a rule can compare the state before a
// statement, after it, at the last commit and at the base of the release. Objects are
// found by name but referred to by [OID]: a rename changes one name and no reference.
//
// An object whose creation the catalog has not seen is not missing, but unknown. A
// statement about an unknown relation makes it an inferred relation, which exists, may be
// huge and may have any column. A statement that is not modelled is listed in
// [Catalog.Unmodelled]; none is ignored silently.
//
// [Diff] returns the difference of two catalogs as other sessions see it.
package catalog
