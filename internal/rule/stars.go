package rule

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// Star is a place of the deployed code that takes all columns of a table, or counts
// on their order.
type Star struct {
	Kind StarKind
	// Into is the table that InsertsAll writes to.
	Into     string
	Evidence onward.Evidence
}

// StarKind is what such code does; what fails for certain comes first.
type StarKind int

// What code does with all columns of a table.
const (
	ReadsRows   StarKind = iota // rows go into as many places as there are columns
	CopiesRows                  // COPY without a list of columns
	InsertsRows                 // INSERT without one
	InsertsAll                  // INSERT INTO archive SELECT * FROM it
	KeepsPlan                   // the plan of SELECT * is kept for a connection
)

// AllColumns is asked for in the place of a schema by ReadsAll.
var AllColumns = catalog.Name{Name: "*"}

// ReadsAll asks where the deployed code reads all columns of the table of a change
// into as many places as there are, and has none for a new one, or writes by their
// order; of a column that goes, when it has no name here. The worst come first.
func (p *Pass) ReadsAll(d *Delta, added string) []Star {
	return p.Uses(catalog.Name{Schema: AllColumns.Name, Name: p.DeployedName(d).Name}, added).Stars
}
