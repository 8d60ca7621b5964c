// Package realrunners holds no code: its tests run goose and golang-migrate
// themselves, on random files and on a real server, and compare what they do
// with what the adapters say of them.
package realrunners
