package prisma

import (
	"bytes"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

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
