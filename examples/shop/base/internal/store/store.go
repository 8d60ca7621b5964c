// Package store keeps the shop's customers, products and orders in Postgres.
package store

import "database/sql"

// Store is the shop's database.
type Store struct {
	DB *sql.DB
}
