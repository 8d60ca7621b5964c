package pgparse

import (
	"strings"

	"github.com/sqlc-dev/oliphant/parser"
)

// blockEnd follows a body that is tried. A block that is not finished takes it for a label.
const blockEnd = "<<onward_end>>"

// IsBlockComplete reports whether the parser is known to find nothing wrong with the body of a CREATE FUNCTION in PL/pgSQL. If it returns
// false, nothing is known. It takes less than half the time of [ParseBlock]: the parser writes no tree of a body whose end is wrong.
func IsBlockComplete(statement, body string) bool {
	start := strings.Index(statement, body)
	if start < 1 || statement[start-1] != '$' || strings.Contains(body, blockEnd[:2]) || checkBlockSize(statement) != nil {
		return false
	}
	end := "\n" + blockEnd
	if last := body[strings.LastIndexByte(body, '\n')+1:]; !strings.HasSuffix(strings.TrimSpace(body), ";") || strings.Contains(last, "--") {
		end = "\n;" + blockEnd // the end of a statement, if the block is not finished
	}
	end += statement[start+len(body):]
	_, err := parser.ParsePlPgSqlToJSON(statement[:start+len(body)] + end)
	return err != nil && strings.HasPrefix(err.Error(), `syntax error at or near "`+blockEnd[:2]+`"`)
}
