package adapter

import "github.com/onward-sql/onward/internal/lazyregexp"

var (
	// quotedText matches a string literal of SQL, which may hold the template of a letter.
	quotedText = lazyregexp.New(`'(?:[^']|'')*'`)
	// jinjaMark matches a tag, or a value that is no field of Go's templates: {% if x %}, {{ ref() }}, {{ table |
	// upper }}.
	jinjaMark = lazyregexp.New(`\{%[-+]?\s*[a-z]+|\{\{-?\s*[A-Za-z_]\w*(?:\.\w+)*\s*(?:\(|\||-?\}\})`)
	goAction  = lazyregexp.New(`^\{\{-?\s*(?:if|else|end|range|with|block|define|template|index|break|continue)\b`)
)

// IsJinja reports whether a file is a Jinja template: another program renders it before a server sees it. Schemas and
// roles that a runner fills in are already replaced by names in the text.
func (f *File) IsJinja() bool {
	for _, mark := range jinjaMark.FindAllString(quotedText.ReplaceAllString(stripLineComments(f.Text), "''"), -1) {
		if !goAction.MatchString(mark) {
			return true
		}
	}
	return false
}
