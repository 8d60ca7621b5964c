package sql

import "github.com/onward-sql/onward/onward"

// goose describes goose's markers, for a directory that onward.yaml configures as plain
// SQL. A directory that is detected by these markers is read by goose's own adapter.
var goose = runner{
	name: "goose",
	marks: &marks{
		up: compilePattern(`^--\s*\+goose\s+Up\b.*$`), down: compilePattern(`^--\s*\+goose\s+Down\b.*$`), words: []string{"+goose", "+Goose", "+GOOSE"},
		mode: onward.TransactionFile, none: onward.TransactionNone, off: compilePattern(`^--\s*\+goose\s+NO TRANSACTION\b`), cuts: true, offFile: true,
	},
}
