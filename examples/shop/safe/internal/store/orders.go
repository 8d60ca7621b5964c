package store

import (
	"context"
	"time"
)

// Order is what a customer has bought. Channel is where: "web", "app", "phone".
// ShipCountry is "" for goods that are not shipped.
type Order struct {
	ID          int64
	CustomerID  int64
	Status      string
	Channel     string
	ShipCountry string
	PlacedAt    time.Time
}

// Item is one line of an order.
type Item struct {
	ProductID  int64
	Quantity   int
	PriceCents int
}

// PlaceOrder stores an order with its items and returns its id.
func (s *Store) PlaceOrder(ctx context.Context, o Order, items []Item) (int64, error) {
	tx, err := s.DB.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	var id int64
	err = tx.QueryRowContext(ctx, `
		INSERT INTO orders (customer_id, channel, ship_country)
		VALUES ($1, $2, nullif($3, ''))
		RETURNING id`, o.CustomerID, o.Channel, o.ShipCountry,
	).Scan(&id)
	if err != nil {
		return 0, err
	}
	for line, item := range items {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO order_items (order_id, line, product_id, quantity, price_cents)
			VALUES ($1, $2, $3, $4, $5)`,
			id, line+1, item.ProductID, item.Quantity, item.PriceCents)
		if err != nil {
			return 0, err
		}
	}
	return id, tx.Commit()
}

// OpenOrders lists the orders of a customer that are not done, newest first.
func (s *Store) OpenOrders(ctx context.Context, customerID int64) ([]Order, error) {
	rows, err := s.DB.QueryContext(ctx, `
		SELECT id, customer_id, status, channel, coalesce(ship_country, ''), placed_at
		FROM orders
		WHERE customer_id = $1 AND status <> 'done'
		ORDER BY placed_at DESC`, customerID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var orders []Order
	for rows.Next() {
		var o Order
		if err := rows.Scan(&o.ID, &o.CustomerID, &o.Status, &o.Channel, &o.ShipCountry, &o.PlacedAt); err != nil {
			return nil, err
		}
		orders = append(orders, o)
	}
	return orders, rows.Err()
}
