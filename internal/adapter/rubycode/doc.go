// Package rubycode reads programs of Ruby as far as migrations need it: classes with methods, calls with literals, blocks, constants,
// conditions and loops over literals. It runs nothing. A program is a stranger's, so the work is bounded: each byte is split into tokens
// once, the parser reads each token once, and a run may take a fixed number of steps.
package rubycode
