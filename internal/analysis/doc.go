// Package analysis is what several rules reason with: how SQL names things, what a
// statement sets, the rows that it touches, what triggers and functions do behind it, and
// what is known of the code that runs on the schema.
//
// It knows statements, catalogs and effects, and no rule, pass or release: each question
// is asked with what it takes to answer it.
package analysis
