package prisma

import (
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// ModelLine matches the line of a schema file at which a model begins.
var ModelLine = lazyregexp.New(`^\s*model\s+(\w+)`)

// IsModelSchema reports whether a file declares models in a language of its own.
func IsModelSchema(file string) bool { return strings.HasSuffix(file, ".prisma") }

// Prisma's schema language has one field per line.
var (
	prismaBlock  = lazyregexp.New(`^(model|view)\s+(\w+)\s*\{`)
	prismaField  = lazyregexp.New(`^(\w+)\s+(\w+)(?:\([^)]*\))?(\[\])?(\?)?(.*)$`)
	prismaMap    = lazyregexp.New(`(?:^|\s)@map\(\s*(?:name\s*:\s*)?"([^"]+)"`)
	prismaTable  = lazyregexp.New(`^@@map\(\s*(?:name\s*:\s*)?"([^"]+)"`)
	prismaSchema = lazyregexp.New(`^@@schema\(\s*"([^"]+)"`)
	prismaEnum   = lazyregexp.New(`(?m)^\s*enum\s+(\w+)`)
	prismaIgnore = lazyregexp.New(`\s@ignore(?:\s|$)`)
)

var prismaScalars = map[string]bool{
	"String":      true,
	"Boolean":     true,
	"Int":         true,
	"BigInt":      true,
	"Float":       true,
	"Decimal":     true,
	"DateTime":    true,
	"Json":        true,
	"Bytes":       true,
	"Unsupported": true,
}

func readPrismaModels(r *source.File) {
	enums := map[string]bool{}
	for _, m := range prismaEnum.FindAllStringSubmatch(string(r.Text), -1) {
		enums[m[1]] = true
	}
	var in *facts.Model
	ignored := false
	r.EachLine(func(n, _ int, line string) {
		if b := prismaBlock.FindStringSubmatch(line); b != nil {
			in, ignored = &facts.Model{Table: b[2], Class: b[2], Line: n}, false
			return
		}
		switch {
		case in == nil || line == "" || source.IsComment(line):
		case line == "}":
			if !ignored {
				r.AddModel(in)
			}
			in = nil
		case strings.HasPrefix(line, "@@"):
			if t := source.FirstGroup(prismaTable, line); t != "" {
				in.Table = t
			}
			if s := source.FirstGroup(prismaSchema, line); s != "" {
				in.Schema = s
			}
			ignored = ignored || line == "@@ignore"
		default:
			f := prismaField.FindStringSubmatch(line)
			if f == nil || !prismaScalars[f[2]] && !enums[f[2]] {
				return
			}
			field := facts.Field{Field: f[1], Column: f[1], Line: n, Left: prismaIgnore.MatchString(line)}
			if c := source.FirstGroup(prismaMap, f[5]); c != "" {
				field.Column = c
			}
			switch {
			case f[4] != "":
				field.Null = facts.NullTaken
			case f[3] == "":
				field.Null = facts.NullFails
			}
			in.Fields = append(in.Fields, field)
		}
	})
}
