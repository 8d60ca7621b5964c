package usage

import (
	"regexp"
	"strings"
)

// C#: Entity Framework.
var (
	csTable  = regexp.MustCompile(`^\[(?:\w+\.)*Table\(\s*"([\w.]+)"`)
	csSchema = regexp.MustCompile(`\bSchema\s*=\s*"(\w+)"`)
	csColumn = regexp.MustCompile(`\[(?:\w+\.)*Column\(\s*"(\w+)"`)
	csClass  = regexp.MustCompile(`\b(?:class|record)\s+(\w+)`)
	csField  = regexp.MustCompile(`^public\s+(?:(?:required|virtual|override)\s+)*[\w.<>?\[\],]+\s+(\w+)\s*\{\s*get`)
	csPart   = regexp.MustCompile(`^(?:\[.*\]\s*)?[\w.<>?,\[\]]+\s+(\w+)(?:\s*=.*)?$`)
	csOpens  = regexp.MustCompile(`^\[`)
	csTo     = regexp.MustCompile(`\bToTable\("([\w.]+)"(?:\s*,\s*"(\w+)")?`)
	csOf     = regexp.MustCompile(`\bEntity<(\w+)>|\bIEntityTypeConfiguration<(\w+)>`)
)

func csharpModels(r *reader) {
	var in *Model
	column, of := "", ""
	r.declarations(csOpens, func(n, indent int, line string) {
		if o := first(csOf, line); o != "" {
			of = o
		}
		switch {
		case csTo.MatchString(line):
			m := csTo.FindStringSubmatch(line)
			r.add(&Model{Table: m[1], Schema: m[2], Class: of, Line: n})
		case csTable.MatchString(line):
			r.add(in)
			in = &Model{Table: first(csTable, line), Schema: first(csSchema, line), Line: n}
		case in != nil && in.Class == "" && csClass.MatchString(line):
			in.Class = first(csClass, line)
			if strings.Contains(line, "record") {
				for _, part := range components(line) {
					if f := first(csPart, part); f != "" {
						in.Fields = append(in.Fields, Field{Field: f, Column: first(csColumn, part), Line: n})
					}
				}
			}
		case in != nil && strings.Contains(line, "NotMapped"):
			column = "-"
		case in != nil:
			if c := first(csColumn, line); c != "" {
				column = c
			}
			if f := first(csField, line); f != "" {
				if column != "-" {
					in.Fields = append(in.Fields, Field{Field: f, Column: column, Line: n})
				}
				column = ""
			}
		}
	})
	r.add(in)
}

// Rust: Diesel's table! lists the columns that each query selects; SeaORM's entities.
var (
	rsTable  = regexp.MustCompile(`^(?:diesel::)?table!\s*\{`)
	rsNamed  = regexp.MustCompile(`^(?:(\w+)\.)?(\w+)\s*\([\w, ]*\)\s*\{`)
	rsColumn = regexp.MustCompile(`^(\w+)\s*->`)
	rsRename = regexp.MustCompile(`^#\[sql_name\s*=\s*"(\w+)"\]`)
	rsSea    = regexp.MustCompile(`^#\[(?:sea_orm\(.*?table_name\s*=\s*"([\w.]+)"|diesel\(.*?table_name\s*=\s*"?([\w:]+)"?|table\("([\w.]+)"\)|table_name\s*=\s*"([\w.]+)")`)
	rsStruct = regexp.MustCompile(`^pub(?:\([^)]*\))?\s+struct\s+(\w+)|^struct\s+(\w+)`)
	rsField  = regexp.MustCompile(`^(?:pub(?:\([^)]*\))?\s+)?(?:r#)?(\w+)\s*:`)
	rsOpens  = regexp.MustCompile(`^#\[`)
	rsName   = regexp.MustCompile(`\bcolumn_name\s*=\s*"?(\w+)"?`)
)

func rustModels(r *reader) {
	var in *Model
	macro, renamed, began, level := false, "", false, 0
	r.declarations(rsOpens, func(n, indent int, line string) {
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
			renamed = first(rsRename, line)
		case macro && in != nil && line == "}":
			r.add(in)
			in, macro = nil, false
		case macro && in != nil:
			if c := first(rsColumn, line); c != "" {
				column := c
				if renamed != "" {
					column, renamed = renamed, ""
				}
				in.Fields = append(in.Fields, Field{Field: c, Column: column, Line: n})
			}
		case macro && indent == 0 && line == "}":
			macro = false
		case !macro && rsSea.MatchString(line):
			t := first(rsSea, line)
			if i := strings.LastIndexByte(t, ':'); i >= 0 {
				t = t[i+1:]
			}
			in, began = &Model{Table: t, Line: n}, false
		case !macro && in != nil && rsStruct.MatchString(line):
			in.Class, began, level = first(rsStruct, line), true, indent
		case !macro && in != nil && began && indent <= level && strings.HasPrefix(line, "}"):
			r.add(in)
			in = nil
		case !macro && in != nil && began:
			if c := first(rsName, line); c != "" {
				renamed = c
			}
			if strings.HasPrefix(line, "#[") {
				return
			}
			if f := first(rsField, line); f != "" {
				in.Fields = append(in.Fields, Field{Field: f, Column: renamed, Line: n})
				renamed = ""
			}
		}
	})
}

// PHP: Doctrine's attributes. Eloquent declares no columns, and selects those that
// there are.
var (
	phpTable  = regexp.MustCompile(`ORM\\Table\((?:[^)]*\bname\s*[:=]\s*)?["']([\w.]+)["']`)
	phpClass  = regexp.MustCompile(`^(?:final\s+|abstract\s+)?class\s+(\w+)`)
	phpColumn = regexp.MustCompile(`ORM\\(?:Column|JoinColumn|Id)\b(?:\((?:[^)]*\bname\s*[:=]\s*["'](\w+)["'])?)?`)
	phpField  = regexp.MustCompile(`^(?:private|protected|public)\s+(?:readonly\s+)?[\w?|\\]*\s*\$(\w+)`)
	phpOpens  = regexp.MustCompile(`^#\[`)
	phpTold   = regexp.MustCompile(`^protected\s+\$table\s*=\s*["']([\w.]+)["']`)
)

func phpModels(r *reader) {
	var in *Model
	mapped, column := false, ""
	r.declarations(phpOpens, func(n, _ int, line string) {
		switch {
		case phpTold.MatchString(line):
			r.add(&Model{Table: first(phpTold, line), Line: n})
		case phpTable.MatchString(line):
			r.add(in)
			in = &Model{Table: first(phpTable, line), Line: n}
		case in == nil:
		case phpClass.MatchString(line):
			in.Class = first(phpClass, line)
		case phpColumn.MatchString(line):
			mapped = true
			if c := first(phpColumn, line); c != "" {
				column = c
			}
		}
		if in != nil {
			if f := first(phpField, line); f != "" {
				if mapped {
					in.Fields = append(in.Fields, Field{Field: f, Column: column, Line: n})
				}
				mapped, column = false, ""
			}
		}
	})
	r.add(in)
}
