package adapter

// Beyond is something that a tool runs with the migrations of a source, and that nobody but the
// tool itself can run.
type Beyond struct {
	Path string
	// Key stands in the tool's table once it has run; "" for what runs around all others.
	Key string
	// What it is, as what follows "is": "a Java migration".
	What string
}
