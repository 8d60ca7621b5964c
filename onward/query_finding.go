package onward

// QueryFinding is what is wrong with the way in which recorded code asks: a rule's verdict
// on queries of a recording. It is never an error, and makes no release unsafe.
type QueryFinding struct {
	// Rule names what is wrong: "query-for-each-row".
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	// Queries are the recording's IDs of those that it is about; SQL is the text of the
	// first, without values.
	Queries []string `json:"queries"`
	SQL     string   `json:"sql"`
	// Sender is who sends it; "" where nobody says.
	Sender string `json:"sender,omitempty"`
	// Count is how often it was seen, Most the size that it had at most: messages,
	// rows or milliseconds, as Fact says.
	Count int64 `json:"count"`
	Most  int64 `json:"most"`
	// Fact, Harm and Instead are as in [Finding].
	Fact    string `json:"fact"`
	Harm    string `json:"harm"`
	Instead string `json:"instead"`
}
