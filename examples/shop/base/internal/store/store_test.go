package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
)

// open gives the store of the database that DATABASE_URL names, with the shop's schema in it.
func open(t *testing.T) *Store {
	t.Helper()
	url := os.Getenv("DATABASE_URL")
	if url == "" {
		t.Skip("DATABASE_URL names no database")
	}
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &Store{DB: db}
}

// row lays in what the store only reads.
func row(t *testing.T, s *Store, query string, args ...any) (id int64) {
	t.Helper()
	if err := s.DB.QueryRow(query, args...).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

func addCustomer(t *testing.T, s *Store) int64 {
	t.Helper()
	id, err := s.AddCustomer(context.Background(), fmt.Sprintf("%s@example.org", t.Name()), "Ada")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestCustomer(t *testing.T) {
	s := open(t)
	id := addCustomer(t, s)
	c, err := s.Customer(context.Background(), id)
	if err != nil || c.ID != id || c.Email != "TestCustomer@example.org" {
		t.Errorf("customer %d is %+v, %v", id, c, err)
	}
}
