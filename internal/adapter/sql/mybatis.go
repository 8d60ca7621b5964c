package sql

import "github.com/onward-sql/onward/onward"

// MyBatis' migrations are described from their manual. They are recognised by their
// marker only.
var mybatis = runner{
	name:  "MyBatis",
	marks: &marks{down: compilePattern(`^--\s*//\s*@UNDO\b.*$`), words: []string{"@UNDO", "@undo", "@Undo"}, mode: onward.TransactionNone, cuts: true},
}
