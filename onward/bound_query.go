package onward

// BoundQuery is a statement whose names were looked up in the two schemas of a release, without a server.
type BoundQuery struct {
	SQL  string `json:"sql"`
	Line int    `json:"line"`
	// Base has the result for the deployed schema, and Head for the schema after the release.
	Base Binding `json:"base"`
	Head Binding `json:"head"`
}

// Binding is what one schema says about a statement.
type Binding struct {
	// Refused are the server's messages if it refuses the statement, each with the versions that do.
	Refused []RefusedQuery `json:"refused,omitempty"`
	// Unknown are the relations of which the migrations do not tell everything: their names and columns were not checked.
	Unknown []string `json:"unknown,omitempty"`
	// Note says why the statement was not judged; "" if it was.
	Note string `json:"note,omitempty"`
}

// RefusedQuery is a message of the server.
type RefusedQuery struct {
	Postgres []int  `json:"postgres"`
	Message  string `json:"message"`
}
