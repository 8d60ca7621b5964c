// Package view says what a report and other documents show: which items, in which order, how many, and in which words. The writers
// only lay them out and escape them for their format.
//
// The texts are safe to print on one line, or on several lines if the comment says so. Paths, and parts of the document itself, are
// as they were.
package view
