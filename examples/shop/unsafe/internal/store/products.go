package store

import "context"

// Product is something to buy. Stock is what all warehouses have together.
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
		SELECT p.id, p.sku, p.title, p.price_cents, sum(l.quantity)
		FROM products p
		JOIN stock_levels l ON l.product_id = p.id
		GROUP BY p.id
		HAVING sum(l.quantity) > 0
		ORDER BY p.title`)
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
