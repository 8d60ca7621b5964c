package sql

import "github.com/onward-sql/onward/onward"

// rambler is described from its manual. It is recognised by its markers only.
var rambler = runner{
	name: "rambler",
	marks: &marks{
		up: compilePattern(`^--\s*rambler up\b.*$`), down: compilePattern(`^--\s*rambler down\b.*$`), words: []string{"ambler ", "AMBLER "},
		mode: onward.TransactionFile,
	},
}
