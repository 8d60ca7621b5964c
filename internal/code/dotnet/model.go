package dotnet

import (
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// C#: Entity Framework.
var (
	csTable  = lazyregexp.New(`^\[(?:\w+\.)*Table\(\s*(?:"|nameof\((?:\w+\.)*)([\w.]+)[")]`)
	csSchema = lazyregexp.New(`\bSchema\s*=\s*"(\w+)"`)
	csColumn = lazyregexp.New(`\[(?:\w+\.)*Column\(\s*"([\w.]+)"`)
	csClass  = lazyregexp.New(`\b(?:class|record)\s+(\w+)`)
	csField  = lazyregexp.New(`^public\s+(?:(?:required|virtual|override)\s+)*[\w.<>?\[\],]+\s+(\w+)\s*\{\s*get`)
	csPart   = lazyregexp.New(`^(?:\[.*\]\s*)?[\w.<>?,\[\]]+\s+(\w+)(?:\s*=.*)?$`)
	csOpens  = lazyregexp.New(`^\[`)
	csTo     = lazyregexp.New(`\bToTable\((?:"|nameof\((?:\w+\.)*)([\w.]+)[")](?:\s*,\s*"(\w+)")?`)
	csOf     = lazyregexp.New(`\bEntity<(\w+)>|\bIEntityTypeConfiguration<(\w+)>`)
)

func readCSharpModels(r *source.File) {
	var in *facts.Model
	column, of := "", ""
	r.EachDeclaration(csOpens, func(n, indent int, line string) {
		if o := source.FirstGroup(csOf, line); o != "" {
			of = o
		}
		switch {
		case csTo.MatchString(line):
			m := csTo.FindStringSubmatch(line)
			r.AddModel(&facts.Model{Table: m[1], Schema: m[2], Class: of, Line: n})
		case csTable.MatchString(line):
			r.AddModel(in)
			in = &facts.Model{Table: source.FirstGroup(csTable, line), Schema: source.FirstGroup(csSchema, line), Line: n}
		case in != nil && in.Class == "" && csClass.MatchString(line):
			in.Class = source.FirstGroup(csClass, line)
			if strings.Contains(line, "record") {
				for _, part := range source.SplitComponents(line) {
					if f := source.FirstGroup(csPart, part); f != "" {
						in.Fields = append(in.Fields, facts.Field{Field: f, Column: source.FirstGroup(csColumn, part), Line: n})
					}
				}
			}
		case in != nil && strings.Contains(line, "NotMapped"):
			column = "-"
		case in != nil:
			if c := source.FirstGroup(csColumn, line); c != "" {
				column = c
			}
			if f := source.FirstGroup(csField, line); f != "" {
				if column != "-" {
					in.Fields = append(in.Fields, facts.Field{Field: f, Column: column, Line: n})
				}
				column = ""
			}
		}
	})
	r.AddModel(in)
}
