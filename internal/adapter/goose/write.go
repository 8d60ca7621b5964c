package goose

import (
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// Form describes how goose expects a migration to be written.
func (reader) Form(adapter.Tree, *adapter.Set) *adapter.Form {
	return &adapter.Form{
		Name: Name, Up: ".sql", Transaction: onward.TransactionFile,
		Head: "-- +goose Up\n", HeadAlone: "-- +goose NO TRANSACTION\n-- +goose Up\n", Foot: "-- +goose Down\n",
		Begin: tool.Begin + "\n", End: tool.End + "\n", Splits: true,
	}
}
