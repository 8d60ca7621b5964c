package rust

import (
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

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

func readRustModels(r *source.File) {
	var in *facts.Model
	macro, renamed, began, level := false, "", false, 0
	r.EachDeclaration(rsOpens, func(n, indent int, line string) {
		if line == "" || strings.HasPrefix(line, "//") {
			return
		}
		switch {
		case rsTable.MatchString(line):
			macro, in = true, nil
		case macro && in == nil && rsNamed.MatchString(line):
			m := rsNamed.FindStringSubmatch(line)
			in = &facts.Model{Schema: m[1], Table: m[2], Line: n}
			if renamed != "" {
				in.Table, renamed = renamed, ""
			}
		case macro && rsRename.MatchString(line):
			renamed = source.FirstGroup(rsRename, line)
		case macro && in != nil && line == "}":
			r.AddModel(in)
			in, macro = nil, false
		case macro && in != nil:
			if c := source.FirstGroup(rsColumn, line); c != "" {
				column := c
				if renamed != "" {
					column, renamed = renamed, ""
				}
				in.Fields = append(in.Fields, facts.Field{Field: c, Column: column, Line: n, Null: dieselNull(line)})
			}
		case macro && indent == 0 && line == "}":
			macro = false
		case !macro && rsSea.MatchString(line):
			t := source.FirstGroup(rsSea, line)
			if i := strings.LastIndexByte(t, ':'); i >= 0 {
				t = t[i+1:]
			}
			in, began = &facts.Model{Table: t, Line: n}, false
		case !macro && in != nil && rsStruct.MatchString(line):
			in.Class, began, level = source.FirstGroup(rsStruct, line), true, indent
		case !macro && in != nil && began && indent <= level && strings.HasPrefix(line, "}"):
			r.AddModel(in)
			in = nil
		case !macro && in != nil && began:
			if c := source.FirstGroup(rsName, line); c != "" {
				renamed = c
			}
			if strings.HasPrefix(line, "#[") {
				return
			}
			if f := source.FirstGroup(rsField, line); f != "" {
				in.Fields = append(in.Fields, facts.Field{Field: f, Column: renamed, Line: n, Null: rustNull(line)})
				renamed = ""
			}
		}
	})
}
