package sql

import "github.com/onward-sql/onward/onward"

// goose's marks, in a directory that was said to be plain SQL: where they tell the
// directory, its own adapter reads it.
var goose = runner{
	name: "goose",
	marks: &marks{
		up: re(`^--\s*\+goose\s+Up\b.*$`), down: re(`^--\s*\+goose\s+Down\b.*$`), words: []string{"+goose", "+Goose", "+GOOSE"},
		mode: onward.TransactionFile, none: onward.TransactionNone, off: re(`^--\s*\+goose\s+NO TRANSACTION\b`), cuts: true, offFile: true,
	},
}
