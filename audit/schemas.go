package audit

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// Catalog is a schema as a value.
type Catalog = catalog.Catalog

// Name is that of an object of a schema.
type Name = catalog.Name

// Schemas judges the release as [Release.Model] does, and gives the schemas that migrations
// make of the database that it is mostly about: at the base, and at the head. Sources on
// other databases count for the report only.
func (r *Release) Schemas(major int) (report *onward.Report, deployed, head *Catalog, err error) {
	at := r.mainDatabase()
	if report, err = r.Model(major); err != nil {
		return nil, nil, nil, err
	}
	return report, r.a.deployed[at], r.a.heads[at], nil
}
