package sql

import "github.com/onward-sql/onward/onward"

// Play's evolutions are described from their manual. They are recognised by their markers
// only.
var play = runner{
	name: "Play",
	marks: &marks{
		up: compilePattern(`^(?:--|#)[\s-]*!Ups\b.*$`), down: compilePattern(`^(?:--|#)[\s-]*!Downs\b.*$`), words: []string{
			"!Ups", "!Downs", "!ups", "!downs", "!UPS", "!DOWNS",
		},
		mode: onward.TransactionFile,
	},
}
