package deployed

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/code/mentions"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// mention is a name of a column in code that uses its table.
type mention struct {
	mentions.Mention
	path, text string // its line
	rank       int    // the lower, the better; see rankFar
}

// Ranks of weaker evidence: the higher, the weaker.
const (
	rankFar   = 2 // lines between it and the table's name
	rankWord  = 3 // a short name that is a common word
	rankData  = 4 // data in a text
	rankAlone = 8 // nothing in the file has the table's name
)

// selectBestMentions returns the best mentions of a column. A mention is better the nearer it is to a
// use of the table; best is one right next to the table's name.
func (q question) selectBestMentions(found []mention, table []index.Use) []index.Use {
	lines := map[string][]int{}
	for _, e := range table {
		lines[e.Path] = append(lines[e.Path], e.Line)
	}
	for i := range found {
		m := &found[i]
		switch d := lineDistance(lines[m.path], m.Line); {
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
			m.rank += rankMention(m)
		}
	}
	written := func(m mention) int { // a column as in the schema
		if m.Word == q.Column {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(found, func(a, b mention) int { return cmp.Or(a.rank-b.rank, written(a)-written(b)) })
	var out []index.Use
	for _, m := range found {
		// A mention that is far worse than the best is no evidence.
		e := index.Use{Path: m.path, Line: m.Line, Grade: facts.Named}
		if m.rank < found[0].rank+rankData && !slices.Contains(out, e) && len(out) < maxEvidence {
			out = append(out, e)
		}
	}
	return out
}

// commonWord is the length up to which a name counts as a common word: id, type, name.
const commonWord = 4

// speaksSQL matches a line with SQL, or with a column's declaration for a mapper.
var speaksSQL = lazyregexp.New(`(?i)\b(?:select|insert|update|delete|where|returning|order\s+by|column)\b|\b(?:db|gorm|bun|json|sql)[:(=]`)

// rankMention ranks a mention: in SQL or a declaration, as a field or a key, or as a mere
// word.
func rankMention(m *mention) int {
	offset := strings.Index(m.text, m.Word)
	switch {
	case offset < 0 || len(m.Word) > commonWord || speaksSQL.MatchString(m.text):
		return 0
	case isFieldOrKey(m.text, offset, len(m.Word)):
		return 1
	}
	return rankWord
}

// isFieldOrKey reports whether n bytes of a line are a field or a key.
func isFieldOrKey(line string, offset, n int) bool {
	return offset > 0 && strings.IndexByte(".\"'`", line[offset-1]) >= 0 || offset+n < len(line) && strings.IndexByte(":=\"'`", line[offset+n]) >= 0
}

// lineDistance returns how many lines a line is from the nearest of others.
func lineDistance(lines []int, line int) int {
	best := 1 << 30
	for _, l := range lines {
		best = min(best, max(l-line, line-l))
	}
	return best
}

// otherTables returns the tables of the deployed schema that have a column of the same name.
func (u *Code) otherTables(q question) map[string]bool {
	c := u.Schemas[q.database]
	if c == nil || q.Column == "" {
		return nil
	}
	out := map[string]bool{}
	c.EachRelation(func(r *catalog.Relation) bool {
		if r.Kind.IsTable() && r.Name.Name != q.Name.Name && r.Column(q.Column) != nil {
			out[strings.ToLower(r.Name.Name)] = true
		}
		return true
	})
	return out
}
