package sql

import "github.com/onward-sql/onward/onward"

// MyBatis' migrations follow their manual. Their mark is all that is known of them.
var mybatis = runner{
	name:  "MyBatis",
	marks: &marks{down: re(`^--\s*//\s*@UNDO\b.*$`), words: []string{"@UNDO", "@undo", "@Undo"}, mode: onward.TransactionNone, cuts: true},
}
