package audit

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// Catalog is a schema as a value.
type Catalog = catalog.Catalog

// Name is the name of an object in a schema.
type Name = catalog.Name

// Schemas judges the release as [Release.Model] does, and returns the schemas that the
// migrations make, at the base and at the head. They are of the database with most of the
// release; sources on other databases are only in the report.
func (r *Release) Schemas(major int) (report *onward.Report, deployed, head *Catalog, err error) {
	main := r.mainDatabase()
	if report, err = r.Model(major); err != nil {
		return nil, nil, nil, err
	}
	return report, r.a.databases[main].base.schema, r.a.databases[main].head, nil
}
