package audit

import (
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// namedTable is a table in SQL, within a text of a program; %s is its name.
const namedTable = `(?:\w+\.)?\\?["` + "`" + `]?%s\\?["` + "`" + `]?`

// unlisted finds where a file writes to a table by the order of its columns, in SQL
// of any program: COPY and INSERT without a list of them, and INSERT … SELECT * of
// it into another table. columns is how many there are, 0 when that is not known.
func (u *usage) unlisted(q question, columns int, file, text string) []onward.Evidence {
	table := strings.ReplaceAll(namedTable, "%s", regexp.QuoteMeta(q.table.Name))
	var out []onward.Evidence
	find := func(pattern string, say func(m []int) string) {
		for _, m := range regexp.MustCompile("(?i)"+pattern).FindAllStringSubmatchIndex(text, -1) {
			line, number := lineAt(text, m[0])
			if said := say(m); said != "" && !comment(line) {
				out = append(out, onward.Evidence{Kind: "code", Path: file, Line: number, Text: said, Revision: u.name})
			}
		}
	}
	name := q.table.Name
	find(`\bcopy\s+`+table+`\s+from\b`, func([]int) string { return rule.CopyUnlisted + name + " FROM" })
	find(`\bcopy_from\(\s*[\w.]+\s*,\s*["']`+table+`["']([^)]*)\)`, func(m []int) string {
		if strings.Contains(text[m[2]:m[3]], "columns") {
			return ""
		}
		return rule.CopyUnlisted + name + " FROM"
	})
	if q.column == "" {
		find(`\binsert\s+into\s+`+table+`\s+values\s*\(`, func(m []int) string {
			if columns == 0 || values(text[m[1]:]) != columns {
				return ""
			}
			return "INSERT INTO " + name + " VALUES (…)"
		})
	}
	find(`\binsert\s+into\s+(?:\w+\.)?\\?"?(\w+)\\?"?\s+select\s+\*\s+from\s+`+table+`(?:\W|$)`, func(m []int) string {
		return "INSERT INTO " + text[m[2]:m[3]] + rule.StarInto + name
	})
	find(`\bdelete\s+from\s+(?:only\s+)?`+table+`\s[^`+"`"+`;]*?\breturning\s+\*\s*\)\s*insert\s+into\s+(?:\w+\.)?\\?"?(\w+)\\?"?\s+select\s+\*\s+from\b`, func(m []int) string {
		return "INSERT INTO " + text[m[2]:m[3]] + rule.StarInto + name
	})
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
