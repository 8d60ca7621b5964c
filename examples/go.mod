// Keeps the example projects out of onward's own packages. The shop's module
// file is shop/base/go.mod.
module github.com/onward-sql/onward/examples

go 1.26.0
