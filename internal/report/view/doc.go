// Package view says what a report and other documents show: which items, in which order, how many, and in which words. Its texts are
// escaped for one line, or for several if the comment says so. The writers only lay them out and escape them for their format.
package view
