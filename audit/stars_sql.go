package audit

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/onward"
)

// unlisted finds where a file writes to a table by the order of its columns, in SQL
// of any program: COPY and INSERT without a list of them, and INSERT … SELECT * of
// it into another table. columns is how many there are, 0 when that is not known.
func (u *deployedCode) unlisted(q question, columns int, file *starText) []analysis.Star {
	var out []analysis.Star
	name := q.Name.Name
	for _, w := range file.writes {
		if !strings.EqualFold(w.table, name) {
			continue
		}
		said := ""
		switch w.kind {
		case analysis.CopiesRows:
			said = "COPY " + name + " FROM"
		case analysis.InsertsRows:
			if q.Column == "" && columns > 0 && values(file.text[w.end:]) == columns {
				said = "INSERT INTO " + name + " VALUES (…)"
			}
		case analysis.InsertsAll:
			said = "INSERT INTO " + w.into + " SELECT * FROM " + name
		}
		if line, number := lineAt(file.text, w.at); said != "" && !comment(line) {
			out = append(out, analysis.Star{Kind: w.kind, Into: w.into, Evidence: onward.Evidence{Kind: "code", Path: file.path, Line: number, Text: said, Revision: u.name}})
		}
	}
	return out
}

// values counts those of a row in SQL, up to its closing bracket; 0 when that is not
// found.
func values(text string) int {
	depth, count := 0, 1
	for i := range min(len(text), upsertReach) {
		switch text[i] {
		case '(':
			depth++
		case ',':
			if depth == 0 {
				count++
			}
		case ')':
			if depth--; depth < 0 {
				return count
			}
		}
	}
	return 0
}
