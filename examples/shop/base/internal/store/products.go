package store

import "context"

// Product is something to buy.
type Product struct {
	ID         int64
	SKU        string
	Title      string
	PriceCents int
	Stock      int
}

// Products lists what can be bought now.
func (s *Store) Products(ctx context.Context) ([]Product, error) {
	rows, err := s.DB.QueryContext(ctx, `
		SELECT id, sku, title, price_cents, stock
		FROM products
		WHERE stock > 0
		ORDER BY title`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var products []Product
	for rows.Next() {
		var p Product
		if err := rows.Scan(&p.ID, &p.SKU, &p.Title, &p.PriceCents, &p.Stock); err != nil {
			return nil, err
		}
		products = append(products, p)
	}
	return products, rows.Err()
}
