package analysis

import "github.com/onward-sql/onward/onward"

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
