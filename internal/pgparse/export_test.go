package pgparse

import "github.com/sqlc-dev/oliphant/parser"

// Whole returns the statements of a text that is parsed as a whole; nil if any of it is
// wrong.
func Whole(text string) []string {
	tree, err := parser.ParseToTree(text)
	if err != nil {
		return nil
	}
	out := []string{}
	for _, raw := range tree.Stmts {
		end := len(text)
		if raw.StmtLen > 0 {
			end = int(raw.StmtLocation + raw.StmtLen)
		}
		out = append(out, text[raw.StmtLocation:end])
	}
	return out
}
