package usage

import (
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

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

func prismaModels(r *reader) {
	enums := map[string]bool{}
	for _, m := range prismaEnum.FindAllStringSubmatch(string(r.text), -1) {
		enums[m[1]] = true
	}
	var in *Model
	ignored := false
	r.eachLine(func(n, _ int, line string) {
		if b := prismaBlock.FindStringSubmatch(line); b != nil {
			in, ignored = &Model{Table: b[2], Class: b[2], Line: n}, false
			return
		}
		switch {
		case in == nil || line == "" || isComment(line):
		case line == "}":
			if !ignored {
				r.addModel(in)
			}
			in = nil
		case strings.HasPrefix(line, "@@"):
			if t := firstGroup(prismaTable, line); t != "" {
				in.Table = t
			}
			if s := firstGroup(prismaSchema, line); s != "" {
				in.Schema = s
			}
			ignored = ignored || line == "@@ignore"
		default:
			f := prismaField.FindStringSubmatch(line)
			if f == nil || !prismaScalars[f[2]] && !enums[f[2]] {
				return
			}
			field := Field{Field: f[1], Column: f[1], Line: n, Left: prismaIgnore.MatchString(line)}
			if c := firstGroup(prismaMap, f[5]); c != "" {
				field.Column = c
			}
			switch {
			case f[4] != "":
				field.Null = NullTaken
			case f[3] == "":
				field.Null = NullFails
			}
			in.Fields = append(in.Fields, field)
		}
	})
}
