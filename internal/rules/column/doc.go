// Package column has the rules about columns and their types.
package column
