package analysis

import "github.com/onward-sql/onward/onward"

// AllColumnsUse is a place in the deployed code that reads all columns of a table, or relies on
// their order.
type AllColumnsUse struct {
	Kind AllColumnsKind
	// Into is the table that InsertSelectStar writes to.
	Into     string
	Evidence onward.Evidence
}

// AllColumnsKind is the kind of such a use; kinds that certainly fail come first.
type AllColumnsKind int

// Uses of all columns of a table.
const (
	SelectStar           AllColumnsKind = iota // rows go into as many places as there are columns
	CopyWithoutColumns                         // COPY without a list of columns
	InsertWithoutColumns                       // INSERT without one
	InsertSelectStar                           // INSERT INTO archive SELECT * FROM it
	CachedPlan                                 // the plan of SELECT * is kept for a connection
)
