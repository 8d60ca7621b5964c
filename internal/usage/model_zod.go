package usage

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Zod: a z.object({...}) with the name and the keys of a table describes its rows, which
// are validated with it. A row without a required key is an error there.
var (
	zodRow = lazyregexp.New(`^(?:export\s+)?const\s+(\w+?)(?:Row)?Schema\s*=\s*z\b`)
	zodKey = lazyregexp.New(`^["']?(\w+)["']?\s*:`)
	// zodOpen matches a key that a row may lack.
	zodOpen = lazyregexp.New(`\.(?:optional|nullish|default|catch)\(`)
)

func zodModels(r *reader) {
	var row *Model
	depth := 0
	r.eachLine(func(n, _ int, line string) {
		switch {
		case line == "" || isComment(line):
			return
		case row == nil && zodRow.MatchString(line):
			row = &Model{Class: firstGroup(zodRow, line), Line: n, Row: true}
			depth = 0
		case row == nil:
			return
		case depth == 1 && zodKey.MatchString(line):
			row.Fields = append(row.Fields, Field{Field: firstGroup(zodKey, line), Line: n, Left: zodOpen.MatchString(line)})
		case depth <= 1 && strings.HasPrefix(line, "}"):
			// .partial() makes all keys optional.
			if strings.Contains(line, ".partial(") {
				row.Fields = nil
			}
			r.addModel(row)
			row = nil
			return
		case depth == 1 && len(row.Fields) > 0 && zodOpen.MatchString(line):
			row.Fields[len(row.Fields)-1].Left = true
		}
		depth += strings.Count(line, "{") - strings.Count(line, "}")
		if depth <= 0 && !strings.HasSuffix(line, "z") && !strings.HasPrefix(line, ".object(") {
			r.addModel(row)
			row = nil
		}
	})
}

// hasTableKeys reports whether a model with a table's name has its keys, too: the keys of a
// form or of an answer have few in common with the table.
func (b *Bound) hasTableKeys(m *Model, n catalog.Name) bool {
	if b.Schema == nil {
		return false
	}
	table := b.Schema.Lookup(n.Schema, n.Name)
	if table == nil {
		return false
	}
	keys := 0
	for _, c := range table.Columns {
		if slices.ContainsFunc(m.Fields, func(f Field) bool { return f.Field == c.Name }) {
			keys++
		}
	}
	const most = 4 // of five
	return keys > 1 && keys*5 >= len(table.Columns)*most && keys*5 >= len(m.Fields)*most
}
