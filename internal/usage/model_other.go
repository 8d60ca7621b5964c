package usage

import (
	"strings"

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

func csharpModels(r *reader) {
	var in *Model
	column, of := "", ""
	r.eachDeclaration(csOpens, func(n, indent int, line string) {
		if o := firstGroup(csOf, line); o != "" {
			of = o
		}
		switch {
		case csTo.MatchString(line):
			m := csTo.FindStringSubmatch(line)
			r.addModel(&Model{Table: m[1], Schema: m[2], Class: of, Line: n})
		case csTable.MatchString(line):
			r.addModel(in)
			in = &Model{Table: firstGroup(csTable, line), Schema: firstGroup(csSchema, line), Line: n}
		case in != nil && in.Class == "" && csClass.MatchString(line):
			in.Class = firstGroup(csClass, line)
			if strings.Contains(line, "record") {
				for _, part := range splitComponents(line) {
					if f := firstGroup(csPart, part); f != "" {
						in.Fields = append(in.Fields, Field{Field: f, Column: firstGroup(csColumn, part), Line: n})
					}
				}
			}
		case in != nil && strings.Contains(line, "NotMapped"):
			column = "-"
		case in != nil:
			if c := firstGroup(csColumn, line); c != "" {
				column = c
			}
			if f := firstGroup(csField, line); f != "" {
				if column != "-" {
					in.Fields = append(in.Fields, Field{Field: f, Column: column, Line: n})
				}
				column = ""
			}
		}
	})
	r.addModel(in)
}

// Rust: Diesel's table! lists the columns that each query selects; SeaORM's entities.
var (
	rsTable  = lazyregexp.New(`^(?:diesel::)?table!\s*\{`)
	rsNamed  = lazyregexp.New(`^(?:(\w+)\.)?(\w+)\s*\([\w, ]*\)\s*\{`)
	rsColumn = lazyregexp.New(`^(\w+)\s*->`)
	rsRename = lazyregexp.New(`^#\[sql_name\s*=\s*"(\w+)"\]`)
	rsSea    = lazyregexp.New(`^#\[(?:cfg_attr\(.*?,\s*)?(?:sea_orm\(.*?table_name\s*=\s*"([\w.]+)"|diesel\(.*?table_name\s*=\s*"?([\w:]+)"?|table\("([\w.]+)"\)|table_name\s*=\s*"([\w.]+)")`)
	rsStruct = lazyregexp.New(`^pub(?:\([^)]*\))?\s+struct\s+(\w+)|^struct\s+(\w+)`)
	rsField  = lazyregexp.New(`^(?:pub(?:\([^)]*\))?\s+)?(?:r#)?(\w+)\s*:`)
	rsOpens  = lazyregexp.New(`^#\[`)
	rsName   = lazyregexp.New(`\bcolumn_name\s*=\s*"?(\w+)"?`)
)

func rustModels(r *reader) {
	var in *Model
	macro, renamed, began, level := false, "", false, 0
	r.eachDeclaration(rsOpens, func(n, indent int, line string) {
		if line == "" || strings.HasPrefix(line, "//") {
			return
		}
		switch {
		case rsTable.MatchString(line):
			macro, in = true, nil
		case macro && in == nil && rsNamed.MatchString(line):
			m := rsNamed.FindStringSubmatch(line)
			in = &Model{Schema: m[1], Table: m[2], Line: n}
			if renamed != "" {
				in.Table, renamed = renamed, ""
			}
		case macro && rsRename.MatchString(line):
			renamed = firstGroup(rsRename, line)
		case macro && in != nil && line == "}":
			r.addModel(in)
			in, macro = nil, false
		case macro && in != nil:
			if c := firstGroup(rsColumn, line); c != "" {
				column := c
				if renamed != "" {
					column, renamed = renamed, ""
				}
				in.Fields = append(in.Fields, Field{Field: c, Column: column, Line: n, Null: dieselNull(line)})
			}
		case macro && indent == 0 && line == "}":
			macro = false
		case !macro && rsSea.MatchString(line):
			t := firstGroup(rsSea, line)
			if i := strings.LastIndexByte(t, ':'); i >= 0 {
				t = t[i+1:]
			}
			in, began = &Model{Table: t, Line: n}, false
		case !macro && in != nil && rsStruct.MatchString(line):
			in.Class, began, level = firstGroup(rsStruct, line), true, indent
		case !macro && in != nil && began && indent <= level && strings.HasPrefix(line, "}"):
			r.addModel(in)
			in = nil
		case !macro && in != nil && began:
			if c := firstGroup(rsName, line); c != "" {
				renamed = c
			}
			if strings.HasPrefix(line, "#[") {
				return
			}
			if f := firstGroup(rsField, line); f != "" {
				in.Fields = append(in.Fields, Field{Field: f, Column: renamed, Line: n, Null: rustNull(line)})
				renamed = ""
			}
		}
	})
}

// PHP: Doctrine's attributes. Eloquent declares no columns, and selects all columns of
// the table.
var (
	phpTable  = lazyregexp.New(`ORM\\Table\((?:[^)]*\bname\s*[:=]\s*)?["']` + "`?" + `([\w.]+)`)
	phpEntity = lazyregexp.New(`^(?:#\[|\*\s*@)ORM\\(?:Entity|Table)\b`)
	phpClass  = lazyregexp.New(`^(?:(?:final|abstract|readonly)\s+)*class\s+(\w+)`)
	phpColumn = lazyregexp.New(`ORM\\(?:Column|JoinColumn|Id)\b(?:\((?:[^)]*\bname\s*[:=]\s*["']` + "`?" + `(\w+))?)?`)
	phpField  = lazyregexp.New(`^(?:(?:private|protected|public|readonly)\s+)+[\w?|\\]*\s*\$(\w+)`)
	phpOpens  = lazyregexp.New(`^#\[`)
	phpTold   = lazyregexp.New(`^protected\s+\$table\s*=\s*["']([\w.]+)["']`)
)

func phpModels(r *reader) {
	var in *Model
	mapped, column := false, ""
	r.eachDeclaration(phpOpens, func(n, _ int, line string) {
		switch {
		case phpTold.MatchString(line):
			r.addModel(&Model{Table: firstGroup(phpTold, line), Line: n})
		case phpTable.MatchString(line), phpEntity.MatchString(line):
			if in == nil || in.Class != "" {
				r.addModel(in)
				in = &Model{Line: n}
			}
			if t := firstGroup(phpTable, line); t != "" {
				in.Table = t
			}
		case in == nil:
		case phpClass.MatchString(line):
			in.Class = firstGroup(phpClass, line)
		case phpColumn.MatchString(line):
			mapped = true
			if c := firstGroup(phpColumn, line); c != "" {
				column = c
			}
		}
		if in != nil {
			if f := firstGroup(phpField, line); f != "" {
				if mapped {
					in.Fields = append(in.Fields, Field{Field: f, Column: column, Line: n})
				}
				mapped, column = false, ""
			}
		}
	})
	r.addModel(in)
}
