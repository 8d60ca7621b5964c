// Package prisma reads the models and enums of a Prisma schema.
package prisma

import (
	"bytes"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Readers are the readers of the language's files.
var Readers = []source.Reader{
	{Endings: []string{".prisma"}, Signs: []string{"model "}, Read: readPrismaModels},
	{Endings: []string{".prisma"}, Signs: []string{"enum "}, Read: readPrismaEnums},
}

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

var prismaLabel = lazyregexp.New(`(?m)^[ \t]*(\w+)[ \t]*(?:@map\(\s*"([^"\n]+)"\))?[ \t]*(?://.*)?$`)

// readPrismaEnums reads Prisma's enums, whose type has the same name unless @@map gives
// another.
func readPrismaEnums(r *source.File) {
	for _, m := range prismaEnum.FindAllSubmatchIndex(r.Text, -1) {
		body := r.Text[m[1]:r.FindBlockEnd(m[1])]
		e := facts.Enum{Class: r.GroupText(m, 1), Line: r.LineAt(m[2])}
		for line := range bytes.Lines(body) {
			if t := source.FirstGroup(prismaTable, string(bytes.TrimSpace(line))); t != "" {
				e.Class = t
			}
		}
		for _, l := range prismaLabel.FindAllSubmatchIndex(body, -1) {
			text := ""
			if l[4] >= 0 {
				text = string(body[l[4]:l[5]])
			}
			e.Labels = append(e.Labels, r.MakeLabel(string(body[l[2]:l[3]]), text, m[1]+l[2]))
		}
		r.AddEnum(e)
		r.Facts.Types = append(r.Facts.Types, facts.Place{Name: e.Class, Line: e.Line}) // its client casts what it writes and compares
	}
}
