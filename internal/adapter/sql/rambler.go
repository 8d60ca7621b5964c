package sql

import "github.com/onward-sql/onward/onward"

// rambler follows its manual. Its marks are all that is known of it.
var rambler = runner{
	name: "rambler",
	marks: &marks{
		up: re(`^--\s*rambler up\b.*$`), down: re(`^--\s*rambler down\b.*$`), words: []string{"ambler ", "AMBLER "},
		mode: onward.TransactionFile,
	},
}
