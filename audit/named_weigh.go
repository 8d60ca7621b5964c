package audit

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/usage"
)

// mention is a name of a column in code that works on its table.
type mention struct {
	usage.Mention
	path, text string // its line
	rank       int
}

// Ranks of what a mention shows less by.
const (
	rankFar   = 2 // lines between it and the table's name
	rankWord  = 3 // a short name that is a word of anything
	rankData  = 4 // of data in a text
	rankAlone = 8 // nothing in the file has the table's name
)

// weigh leaves of mentions of a column the best ones: the nearer to a use of its table,
// the better; a name that stands beside it, best.
func (q question) weigh(found []mention, table []usage.Use) []usage.Use {
	lines := map[string][]int{}
	for _, e := range table {
		lines[e.Path] = append(lines[e.Path], e.Line)
	}
	for i := range found {
		m := &found[i]
		switch d := distance(lines[m.path], m.Line); {
		case len(lines[m.path]) == 0:
			m.rank = rankAlone
		case d == 0:
			m.rank = -1 // in one query
		case d > 40:
			m.rank = rankFar
		case d > 8:
			m.rank = 1
		}
		if strings.Contains(m.text, `\"`+m.Word+`\"`) {
			m.rank += rankData
		} else {
			m.rank += likeness(m)
		}
	}
	written := func(m mention) int { // a column as it is in the schema
		if m.Word == q.Column {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(found, func(a, b mention) int { return cmp.Or(a.rank-b.rank, written(a)-written(b)) })
	var out []usage.Use
	for _, m := range found {
		// What is far worse than the best shows nothing.
		e := usage.Use{Path: m.path, Line: m.Line, Grade: usage.Named}
		if m.rank < found[0].rank+rankData && !slices.Contains(out, e) && len(out) < maxEvidence {
			out = append(out, e)
		}
	}
	return out
}

// commonWord is up to which length a name is taken for a word that stands
// everywhere: id, type, name.
const commonWord = 4

// speaksSQL is what a line has that speaks to a database, or tells a mapper of a column.
var speaksSQL = regexp.MustCompile(`(?i)\b(?:select|insert|update|delete|where|returning|order\s+by|column)\b|\b(?:db|gorm|bun|json|sql)[:(=]`)

// likeness ranks a mention: in what speaks to the database, as a field or a key, or as a
// mere word.
func likeness(m *mention) int {
	at := strings.Index(m.text, m.Word)
	switch {
	case at < 0 || len(m.Word) > commonWord || speaksSQL.MatchString(m.text):
		return 0
	case isMember(m.text, at, len(m.Word)):
		return 1
	}
	return rankWord
}

// isMember reports whether n bytes of a line stand where they are a field or a key.
func isMember(line string, at, n int) bool {
	return at > 0 && strings.IndexByte(".\"'`", line[at-1]) >= 0 || at+n < len(line) && strings.IndexByte(":=\"'`", line[at+n]) >= 0
}

// distance is how many lines a line is from the nearest of others.
func distance(lines []int, line int) int {
	best := 1 << 30
	for _, l := range lines {
		best = min(best, max(l-line, line-l))
	}
	return best
}

// others are the tables of the deployed schema that have a column of the same name.
func (u *deployedCode) others(q question) map[string]bool {
	c := u.deployed[q.database]
	if c == nil || q.Column == "" {
		return nil
	}
	out := map[string]bool{}
	c.Relations(func(r *catalog.Relation) bool {
		if r.Kind.IsTable() && r.Name.Name != q.Name.Name && r.Column(q.Column) != nil {
			out[strings.ToLower(r.Name.Name)] = true
		}
		return true
	})
	return out
}
