package javascript

import (
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
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

func readZodModels(r *source.File) {
	var row *facts.Model
	depth := 0
	r.EachLine(func(n, _ int, line string) {
		switch {
		case line == "" || source.IsComment(line):
			return
		case row == nil && zodRow.MatchString(line):
			row = &facts.Model{Class: source.FirstGroup(zodRow, line), Line: n, Row: true}
			depth = 0
		case row == nil:
			return
		case depth == 1 && zodKey.MatchString(line):
			row.Fields = append(row.Fields, facts.Field{Field: source.FirstGroup(zodKey, line), Line: n, Left: zodOpen.MatchString(line)})
		case depth <= 1 && strings.HasPrefix(line, "}"):
			// .partial() makes all keys optional.
			if strings.Contains(line, ".partial(") {
				row.Fields = nil
			}
			r.AddModel(row)
			row = nil
			return
		case depth == 1 && len(row.Fields) > 0 && zodOpen.MatchString(line):
			row.Fields[len(row.Fields)-1].Left = true
		}
		depth += strings.Count(line, "{") - strings.Count(line, "}")
		if depth <= 0 && !strings.HasSuffix(line, "z") && !strings.HasPrefix(line, ".object(") {
			r.AddModel(row)
			row = nil
		}
	})
}
