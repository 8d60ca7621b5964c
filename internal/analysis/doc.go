// Package analysis holds the reasoning that several rules share: how SQL names things,
// which settings a statement changes, which rows it touches, which triggers and functions
// it runs, and what is known of the code that uses the schema.
//
// It knows statements, catalogs and effects, but no rule, pass or release. Each function
// gets everything it needs as arguments.
package analysis
