// Package rust reads what Rust declares to a mapper: Diesel, SeaORM and sqlx.
package rust
