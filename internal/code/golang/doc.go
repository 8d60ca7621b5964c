// Package golang reads what Go declares to a mapper: GORM, bun, go-pg, ent, sqlx and sqlc.
package golang
