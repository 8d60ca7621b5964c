package sql

import "github.com/onward-sql/onward/onward"

// Play's evolutions follow their manual. Their marks are all that is known of them.
var play = runner{
	name: "Play",
	marks: &marks{
		up: re(`^(?:--|#)[\s-]*!Ups\b.*$`), down: re(`^(?:--|#)[\s-]*!Downs\b.*$`), words: []string{"!Ups", "!Downs", "!ups", "!downs", "!UPS", "!DOWNS"},
		mode: onward.TransactionFile,
	},
}
