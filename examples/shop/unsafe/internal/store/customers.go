package store

import "context"

// Customer is someone who buys.
type Customer struct {
	ID       int64
	Email    string
	FullName string
}

// Customer reads one customer.
func (s *Store) Customer(ctx context.Context, id int64) (Customer, error) {
	var c Customer
	err := s.DB.QueryRowContext(ctx,
		`SELECT id, email, full_name FROM customers WHERE id = $1`, id,
	).Scan(&c.ID, &c.Email, &c.FullName)
	return c, err
}

// AddCustomer stores a new customer and returns its id.
func (s *Store) AddCustomer(ctx context.Context, email, fullName string) (int64, error) {
	var id int64
	err := s.DB.QueryRowContext(ctx,
		`INSERT INTO customers (email, full_name) VALUES ($1, $2) RETURNING id`, email, fullName,
	).Scan(&id)
	return id, err
}
