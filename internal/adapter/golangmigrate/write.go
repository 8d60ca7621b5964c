package golangmigrate

import (
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// Form describes how golang-migrate expects a migration to be written: one file up, one
// down.
func (reader) Form(_ adapter.Tree, set *adapter.Set) *adapter.Form {
	f := &adapter.Form{Name: Name, Up: ".up.sql", Down: ".down.sql", Transaction: onward.TransactionMessage, Lone: true}
	if set.Evidence.Transaction == onward.TransactionNone {
		f.Transaction, f.Cuts, f.Splits = onward.TransactionNone, true, true
	}
	return f
}
