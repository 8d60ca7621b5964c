// Package trigger holds the rules about triggers.
package trigger
