package adapter

// Beyond is something that a tool runs together with the migrations of a source, and that only
// the tool itself can run.
type Beyond struct {
	Path string
	// Key is its key in the tool's table after it has run; "" for what runs around all others.
	Key string
	// What describes it, as a phrase that follows "is": "a Java migration".
	What string
}
