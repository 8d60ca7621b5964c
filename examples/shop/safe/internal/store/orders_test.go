package store

import (
	"context"
	"testing"
)

func TestOrder(t *testing.T) {
	ctx, s := context.Background(), open(t)
	customer := addCustomer(t, s)
	product := row(t, s, `INSERT INTO products (sku, title, price_cents, stock) VALUES ('tea', 'Tea', 450, 10) RETURNING id`)
	id, err := s.PlaceOrder(ctx, Order{CustomerID: customer, Channel: "app"}, []Item{{ProductID: product, Quantity: 3, PriceCents: 450}})
	if err != nil {
		t.Fatal(err)
	}
	orders, err := s.OpenOrders(ctx, customer)
	if err != nil || len(orders) != 1 || orders[0].ID != id {
		t.Errorf("open orders: %+v, %v", orders, err)
	}
	products, err := s.Products(ctx)
	if err != nil || len(products) != 1 || products[0].Stock != 7 {
		t.Errorf("products: %+v, %v", products, err)
	}
}
