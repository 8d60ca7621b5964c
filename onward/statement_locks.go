package onward

// Locks is what one statement does to other sessions: CREATE INDEX ON users (a) locks public.users in SHARE mode.
type Locks struct {
	// Statement has the effects on the versions asked for, each relation with
	// the strongest lock and the heaviest work of all of them.
	Statement
	// Variants has one entry for each group of versions on which the
	// statement does the same, oldest first.
	Variants []LockVariant `json:"variants,omitempty"`
}

// LockVariant is what the statement does on some versions.
type LockVariant struct {
	Postgres []int    `json:"postgres"`
	Effects  []Effect `json:"effects"`
	// Duration has the same meaning as in [Statement].
	Duration string `json:"duration,omitempty"`
	// Refused is the server's message when it refuses the statement.
	Refused string `json:"refused,omitempty"`
	// NoTransaction: the server refuses it in a transaction block.
	NoTransaction bool `json:"no_transaction,omitempty"`
	// Note says why the effects are not known, when they are not.
	Note string `json:"note,omitempty"`
}
