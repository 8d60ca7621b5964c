package catalog

// Problem is what the server would have against a statement: it would fail.
type Problem struct {
	// Code is the SQLSTATE: 42P07.
	Code string
	// Message is in the server's words: relation "users" already exists.
	Message string
	// Certain is false when the catalog was folded from an incomplete
	// history, so that the object may exist unseen.
	Certain bool
}
