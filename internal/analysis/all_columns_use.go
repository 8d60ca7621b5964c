package analysis

import "github.com/onward-sql/onward/onward"

// Star is a place in the deployed code that reads all columns of a table, or relies on
// their order.
type Star struct {
	Kind StarKind
	// Into is the table that InsertsAll writes to.
	Into     string
	Evidence onward.Evidence
}

// StarKind is the kind of such a use; kinds that certainly fail come first.
type StarKind int

// Uses of all columns of a table.
const (
	ReadsRows   StarKind = iota // rows go into as many places as there are columns
	CopiesRows                  // COPY without a list of columns
	InsertsRows                 // INSERT without one
	InsertsAll                  // INSERT INTO archive SELECT * FROM it
	KeepsPlan                   // the plan of SELECT * is kept for a connection
)
