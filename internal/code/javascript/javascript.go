// Package javascript reads what JavaScript and TypeScript declare to a mapper: TypeORM, MikroORM, Sequelize, Drizzle,
// Objection and Zod.
package javascript

import (
	"bytes"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Readers are the readers of the language's files.
var Readers = []source.Reader{
	{Endings: source.ScriptEndings, Signs: []string{
		"@Entity", "pgTable", "pgSchema(", ".table(", "Table(", "tableName", ".define(", ".init(", "Column(", "@Property(",
		"@PrimaryKey(", "@Column", "@DeletedAt", "@CreatedAt", "@UpdatedAt",
	}, Read: readScriptModels},
	{Endings: source.ScriptEndings, Signs: []string{"z.object(", "from 'zod'", "from \"zod\""}, Read: readZodModels},
	{Endings: source.ScriptEndings, Read: readScriptEnums},
}

var (
	tsUnion  = lazyregexp.New(`^type\s+(\w+)\s*=((?:\s*\|?\s*["'][^"'\n]*["'])+)`)
	tsList   = lazyregexp.New(`^const\s+(\w+)\s*(?::[^=\n]*)?=\s*(?:z\.enum\(\s*|Object\.freeze\(\s*)?([\[{])`)
	tsPgEnum = lazyregexp.New(`^(?:pgEnum|\.enum)\(\s*["'](\w+)["']\s*,\s*(\[)`)
	keyed    = lazyregexp.New(`^\s*["']?(\w+)["']?\s*:\s*["']`)
)

// readScriptEnums reads TypeScript's enums, unions of texts, lists and objects of them, and
// Drizzle's pgEnum.
func readScriptEnums(r *source.File) {
	source.ReadBlockEnums(r)
	r.EachMatch("type ", tsUnion, func(offset int, m []int) {
		e := facts.Enum{Class: r.GroupText(m, 1), Line: r.LineAt(offset)}
		r.AddTexts(&e, m[4], m[5])
		r.AddEnum(e)
	})
	lists := func(offset int, m []int) { readTextList(r, offset, m) }
	r.EachMatch("const ", tsList, lists)
	r.EachMatch("pgEnum(", tsPgEnum, lists)
	r.EachMatch(".enum(", tsPgEnum, lists)
}

// readTextList reads a list or an object of texts, and of nothing else.
func readTextList(r *source.File, offset int, m []int) {
	e, plain, object := facts.Enum{Class: r.GroupText(m, 1), Line: r.LineAt(offset)}, true, r.Text[m[4]] == '{'
	r.EachEntry(m[5], func(from, to int, text string) bool {
		entry := bytes.TrimSpace(r.Text[from:to])
		quote := bytes.IndexAny(entry, `"'`)
		line := from + max(0, bytes.IndexAny(r.Text[from:to], `"'`))
		switch {
		case len(entry) == 0:
		case quote < 0 || !object && quote > 0:
			plain = false
		case object:
			k := keyed.FindSubmatch(entry)
			if plain = k != nil; plain {
				e.Labels = append(e.Labels, r.MakeLabel(string(k[1]), text, line))
			}
		default:
			e.Labels = append(e.Labels, r.MakeLabel("", text, line))
		}
		return plain && len(e.Labels) <= source.MaxLabels
	})
	if plain {
		r.AddEnum(e)
	}
}

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
