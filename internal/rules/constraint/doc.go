// Package constraint has the rules about constraints.
package constraint
