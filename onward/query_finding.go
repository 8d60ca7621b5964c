package onward

// QueryFinding is a problem of recorded queries themselves: a rule's verdict on queries of a recording. It is
// never an error, and makes no release unsafe.
type QueryFinding struct {
	// Rule names what is wrong: "query-for-each-row".
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	// Queries are the recording's IDs of those that it is about; SQL is the text of the
	// first, without values.
	Queries []string `json:"queries"`
	SQL     string   `json:"sql"`
	// Sender is who sends it; "" if that is not known.
	Sender string `json:"sender,omitempty"`
	// Test is a test that shows it, the one with the largest size; "" if that is not known.
	Test string `json:"test,omitempty"`
	// Count is how often it was seen, Most the size that it had at most: messages,
	// rows or milliseconds, as Fact says.
	Count int64 `json:"count"`
	Most  int64 `json:"most"`
	// Relation is the table, schema-qualified; "" where the finding is not about one alone.
	Relation string `json:"relation,omitempty"`
	// Fact, Harm and Instead are as in [Finding].
	Fact    string `json:"fact"`
	Harm    string `json:"harm"`
	Instead string `json:"instead"`
	// Accepted: onward.yaml accepts it (accept_queries). Reports for people count it only.
	Accepted bool `json:"accepted,omitempty"`
}

// DeprecatedColumn is a column that is about to go, as a comment on it or onward.yaml says,
// and what a recording says of it.
type DeprecatedColumn struct {
	// Column is "public.users.nickname".
	Column string `json:"column"`
	// Since is when it was deprecated, RemoveAfter the last day on which it may be used, such as 2027-02-01; "" if
	// they are not given. Past: that day is over.
	Since       string `json:"since,omitempty"`
	RemoveAfter string `json:"remove_after,omitempty"`
	Past        bool   `json:"past,omitempty"`
	// RenamedTo is the column that replaces it; "" if it is not given.
	RenamedTo string `json:"renamed_to,omitempty"`
	// TableCalls is how often recorded queries on its table were sent, Queries and Calls are
	// those that use the column. Without TableCalls the recording says nothing of it.
	TableCalls int64 `json:"table_calls"`
	Queries    int   `json:"queries"`
	Calls      int64 `json:"calls"`
	// SQL is the query of these that is sent most, Sender who sends it.
	SQL    string `json:"sql,omitempty"`
	Sender string `json:"sender,omitempty"`
	// Near: its last day is not over, and is at most deprecation_notice_days of onward.yaml away.
	Near bool `json:"near,omitempty"`
	// Consumers are the programs that use it, those with the most calls first.
	Consumers []DeprecatedUse `json:"consumers,omitempty"`
}

// DeprecatedUse is one program's use of a deprecated column.
type DeprecatedUse struct {
	// Consumer is the program's name; "" if the recording does not name it.
	Consumer string `json:"consumer"`
	Queries  int    `json:"queries"`
	Calls    int64  `json:"calls"`
	// SQL is the query that is sent most, Sender who sends it.
	SQL    string `json:"sql"`
	Sender string `json:"sender,omitempty"`
}

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
