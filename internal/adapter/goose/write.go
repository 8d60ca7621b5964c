package goose

import (
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// Form is how goose wants a migration written.
func (Adapter) Form(adapter.Tree, *adapter.Set) *adapter.Form {
	return &adapter.Form{
		Name: Name, Up: ".sql", Transaction: onward.TransactionFile,
		Head: "-- +goose Up\n", HeadAlone: "-- +goose NO TRANSACTION\n-- +goose Up\n", Foot: "-- +goose Down\n",
		Begin: "-- +goose StatementBegin\n", End: "-- +goose StatementEnd\n",
	}
}
