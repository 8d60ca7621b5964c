package rehearse

import (
	"regexp"

	"github.com/onward-sql/onward/onward"
)

// What a server says of an error may quote rows, and rows may come from a dump:
// a report says which columns, never which values.
var (
	failingRow = regexp.MustCompile(`(?s)Failing row contains \(.*\)\.?`)
	keyValue   = regexp.MustCompile(`(?s)=\(.*?\)( already exists| is duplicated| is not present| is still referenced| conflicts|$|\.)`)
	quoted     = regexp.MustCompile(`(?s)(: |value )".*"`)
	literal    = regexp.MustCompile(`(?s)'(?:[^']|'')*'`)
)

// redacted is an error without the values of rows.
func redacted(e onward.ServerError) onward.ServerError {
	e.Detail = failingRow.ReplaceAllString(e.Detail, "")
	e.Detail = keyValue.ReplaceAllString(e.Detail, "=(…)$1")
	if len(e.Code) == 5 && e.Code[:2] == "22" { // data exceptions quote what they could not read
		e.Message = quoted.ReplaceAllString(e.Message, `$1"…"`)
		e.Detail = ""
	}
	return e
}

// withoutLiterals is a statement without what it quotes: in dynamic SQL, that may
// be the values of rows.
func withoutLiterals(sql string) string { return literal.ReplaceAllString(sql, "'…'") }
