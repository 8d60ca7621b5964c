package analysis

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// ConstraintKinds maps the parser's kinds of constraints to the catalog's.
var ConstraintKinds = map[pgparse.ConstrType]catalog.ConstraintKind{
	pgparse.ConstrType_CONSTR_CHECK:     catalog.Check,
	pgparse.ConstrType_CONSTR_FOREIGN:   catalog.ForeignKey,
	pgparse.ConstrType_CONSTR_UNIQUE:    catalog.Unique,
	pgparse.ConstrType_CONSTR_PRIMARY:   catalog.PrimaryKey,
	pgparse.ConstrType_CONSTR_EXCLUSION: catalog.Exclude,
}
