// Package source is one file of deployed code while it is read: its text, its strings, and the facts so far.
//
// The package of each language reads declarations with it; package queries reads SQL with it.
package source
