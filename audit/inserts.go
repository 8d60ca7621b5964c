package audit

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// maxInserts bounds the INSERTs that are listed of a table.
const maxInserts = 50

var (
	insertWord = regexp.MustCompile(`(?i)\binsert\b`)
	// A file of functions is part of the schema, and may be run with the release.
	makesFunction = regexp.MustCompile(`(?i)\bcreate\s+(?:or\s+replace\s+)?(?:function|procedure|trigger)\b`)
	identifier    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_$]*$`)
)

// inserts finds the INSERTs on a table that the code spells out with their
// columns. hits are the places that name the table.
func (u *usage) inserts(table string, hits []gitrange.Hit) []rule.Insert {
	var paths []string
	for _, h := range hits {
		if !data(h.Path) && !slices.Contains(paths, h.Path) {
			paths = append(paths, h.Path)
		}
	}
	pattern := regexp.MustCompile(`(?i)\binsert\s+into\s+(?:\\?["` + "`" + `]?\w+\\?["` + "`" + `]?\s*\.\s*)?\\?["` + "`" + `]?` + regexp.QuoteMeta(table) + `\\?["` + "`" + `]?\s*\(([^()]*)\)`)
	var out []rule.Insert
	texts, _ := u.inserting(paths) // what cannot be read has no INSERT to show
	for _, p := range paths {
		text := texts[p]
		if path.Ext(p) == ".sql" && makesFunction.MatchString(text) {
			continue
		}
		for _, at := range pattern.FindAllStringSubmatchIndex(text, -1) {
			columns := columnList(text[at[2]:at[3]])
			line, number := lineAt(text, at[0])
			if columns == nil || comment(line) {
				continue
			}
			if len(out) == maxInserts {
				return out
			}
			out = append(out, rule.Insert{
				Columns:  columns,
				Evidence: onward.Evidence{Kind: "code", Path: p, Line: number, Text: line, Revision: u.name},
			})
		}
	}
	return out
}

// writes are the lines among those that name a table which write to it in SQL.
func (u *usage) writes(q question, hits []gitrange.Hit) []onward.Evidence {
	pattern := rule.Writes(q.table.Name, "insert", "update", "delete", "truncate", "merge", "copy")
	var out []onward.Evidence
	for _, h := range hits {
		if len(out) < maxInserts && h.Word == q.table.Name && !data(h.Path) && !q.idle(h) && pattern.MatchString(h.Text) {
			out = append(out, onward.Evidence{Kind: "code", Path: h.Path, Line: h.Line, Text: h.Text, Revision: u.name})
		}
	}
	return out
}

// inserting gives the texts of files by their paths, "" for those without the
// word INSERT. Each is read once in a search, however many tables it names.
func (u *usage) inserting(paths []string) (map[string]string, error) {
	var missing []string
	for _, p := range paths {
		if _, known := u.texts[p]; !known {
			missing = append(missing, p)
		}
	}
	contents, err := u.base.ReadAll(missing)
	for p, c := range contents {
		u.texts[p] = ""
		if insertWord.Match(c) {
			u.texts[p] = string(c)
		}
	}
	return u.texts, err
}

// columnList reads the columns of an INSERT; nil when it holds anything else,
// as where code puts the text together.
func columnList(text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, ",") {
		name := strings.TrimSpace(part)
		switch quoted := strings.Trim(name, "\\\"`"); {
		case quoted != name:
			name = quoted
		default:
			name = strings.ToLower(name)
		}
		if !identifier.MatchString(name) {
			return nil
		}
		out = append(out, name)
	}
	return out
}

// lineAt is the line of a text in which an offset lies, without white space
// around it, and its number.
func lineAt(text string, at int) (line string, number int) {
	from := strings.LastIndexByte(text[:at], '\n') + 1
	to := len(text)
	if n := strings.IndexByte(text[at:], '\n'); n >= 0 {
		to = at + n
	}
	return strings.TrimSpace(text[from:to]), 1 + strings.Count(text[:from], "\n")
}
