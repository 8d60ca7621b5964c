// Package php reads what PHP declares to a mapper: Doctrine and Eloquent.
package php

import (
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Readers are the readers of the language's files.
var Readers = []source.Reader{
	{Endings: []string{".php"}, Signs: []string{"ORM\\Table", "ORM\\Entity"}, Read: readPHPModels},
	{Endings: []string{".php"}, Signs: []string{"::", "->", " extends "}, Read: readEloquentModels},
}

// PHP: Doctrine's attributes.
var (
	phpTable  = lazyregexp.New(`ORM\\Table\((?:[^)]*\bname\s*[:=]\s*)?["']` + "`?" + `([\w.]+)`)
	phpEntity = lazyregexp.New(`^(?:#\[|\*\s*@)ORM\\(?:Entity|Table)\b`)
	phpClass  = lazyregexp.New(`^(?:(?:final|abstract|readonly)\s+)*class\s+(\w+)`)
	phpColumn = lazyregexp.New(`ORM\\(?:Column|JoinColumn|Id)\b(?:\((?:[^)]*\bname\s*[:=]\s*["']` + "`?" + `(\w+))?)?`)
	phpField  = lazyregexp.New(`^(?:(?:private|protected|public|readonly)\s+)+[\w?|\\]*\s*\$(\w+)`)
	phpOpens  = lazyregexp.New(`^#\[`)
)

func readPHPModels(r *source.File) {
	var in *facts.Model
	mapped, column := false, ""
	r.EachDeclaration(phpOpens, func(n, _ int, line string) {
		switch {
		case phpTable.MatchString(line), phpEntity.MatchString(line):
			if in == nil || in.Class != "" {
				r.AddModel(in)
				in = &facts.Model{Line: n}
			}
			if t := source.FirstGroup(phpTable, line); t != "" {
				in.Table = t
			}
		case in == nil:
		case phpClass.MatchString(line):
			in.Class = source.FirstGroup(phpClass, line)
		case phpColumn.MatchString(line):
			mapped = true
			if c := source.FirstGroup(phpColumn, line); c != "" {
				column = c
			}
		}
		if in != nil {
			if f := source.FirstGroup(phpField, line); f != "" {
				if mapped {
					in.Fields = append(in.Fields, facts.Field{Field: f, Column: column, Line: n})
				}
				mapped, column = false, ""
			}
		}
	})
	r.AddModel(in)
}
