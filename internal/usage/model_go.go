package usage

import (
	"bytes"
	"regexp"
	"strings"
)

// Go: GORM, bun, go-pg, ent, and structs whose tags name the columns of their rows.
var (
	goType      = regexp.MustCompile(`^type (\w+) struct \{`)
	goField     = regexp.MustCompile("^([\\w.]+)\\s+[^`]*?(?:`([^`]*)`.*)?$")
	goTag       = regexp.MustCompile(`\b(gorm|bun|db|pg|sqlx|boil):"([^"]*)"`)
	goTableName = regexp.MustCompile(`^func \((?:\w+\s+)?\*?(\w+)\) TableName\(\) string \{\s*(?:return ("?[\w.]+"?))?`)
	goReturn    = regexp.MustCompile(`^return ("?[\w.]+"?)`)
	goColumn    = regexp.MustCompile(`(?i)\bcolumn:([\w]+)`)
	goBase      = regexp.MustCompile(`\b(?:table|alias|select):([\w.]+)|^([\w.]+)`)
	entField    = regexp.MustCompile(`\bfield\.\w+\("(\w+)"`)
	entKey      = regexp.MustCompile(`\bStorageKey\("(\w+)"\)`)
	entTable    = regexp.MustCompile(`\bTable:\s*"(\w+)"`)
)

// gormColumns are those that gorm.Model brings into a struct.
var gormColumns = []string{"id", "created_at", "updated_at", "deleted_at"}

func goModels(r *reader) {
	models := map[string]*Model{}
	var order []string
	told := map[string]bool{} // has a tag, a base or a name for its table
	var in *Model
	named := ""
	ent := ""
	gorm := bytes.Contains(r.text, []byte("gorm.Model")) || bytes.Contains(r.text, []byte(`"gorm.io/gorm"`))
	r.lines(func(n, indent int, line string) {
		switch {
		case indent == 0 && goType.MatchString(line):
			name := first(goType, line)
			in = &Model{Class: name, Line: n}
			told[name] = told[name] || gorm
			if strings.HasSuffix(line, "}") {
				in = nil
				return
			}
			if was := models[name]; was != nil {
				was.Line, in = n, was
				return
			}
			models[name] = in
			order = append(order, name)
			return
		case indent == 0 && goTableName.MatchString(line):
			m := goTableName.FindStringSubmatch(line)
			if named = m[1]; m[2] != "" {
				told[named] = r.name(models, &order, named, n, m[2]) || told[named]
				named = ""
			}
			return
		case named != "":
			if table := first(goReturn, line); table != "" {
				told[named] = r.name(models, &order, named, n, table) || told[named]
			}
			named = ""
		case indent == 0 && line == "}":
			in, ent = nil, ""
		case in != nil:
			told[in.Class] = goStructLine(in, n, line) || told[in.Class]
			if line == "ent.Schema" {
				ent, told[in.Class] = in.Class, true
			}
			return
		}
		// The fields of ent's schemas stand in a method, which names no type.
		if ent == "" && len(order) > 0 && strings.Contains(line, "field.") {
			if m := models[order[len(order)-1]]; m != nil && told[m.Class] {
				if f := first(entField, line); f != "" {
					field := Field{Field: f, Column: f, Line: n}
					if key := first(entKey, line); key != "" {
						field.Column = key
					}
					m.Fields = append(m.Fields, field)
				}
			}
		} else if len(order) > 0 && strings.Contains(line, "Table:") {
			if table := first(entTable, line); table != "" && told[order[len(order)-1]] {
				models[order[len(order)-1]].Table = table
			}
		}
	})
	for _, c := range order {
		if told[c] {
			r.add(models[c])
		}
	}
}

// name gives a type the table that a method of it names, by itself or as a constant.
func (r *reader) name(models map[string]*Model, order *[]string, class string, line int, table string) bool {
	if models[class] == nil {
		models[class] = &Model{Class: class, Line: line}
		*order = append(*order, class)
	}
	switch of := r.constOf(strings.Trim(table, `"`)); {
	case table[0] == '"':
		models[class].Table = strings.Trim(table, `"`)
	case len(of) == 1:
		models[class].Table = string(r.text[r.lits[of[0]].from:r.lits[of[0]].to])
	}
	return true
}

// goStructLine reads a line of a struct, and reports whether a mapper is told something.
func goStructLine(m *Model, n int, line string) bool {
	if line == "" || noted(line) {
		return false
	}
	if strings.HasPrefix(line, "gorm.Model") || strings.HasPrefix(line, "*gorm.Model") {
		for _, c := range gormColumns {
			m.Fields = append(m.Fields, Field{Field: c, Column: c, Line: n})
		}
		return true
	}
	f := goField.FindStringSubmatch(line)
	if f == nil {
		return false
	}
	tag := goTag.FindStringSubmatch(f[2])
	if strings.Contains(line, "bun.BaseModel") || strings.HasPrefix(line, "tableName ") {
		if tag != nil {
			if table := first(goBase, tag[2]); table != "" {
				m.Table = table
			}
		}
		return true
	}
	field := Field{Field: f[1], Line: n}
	if tag == nil {
		if f[1] != "" && f[1][0] >= 'A' && f[1][0] <= 'Z' && strings.Contains(line, " ") {
			m.Fields = append(m.Fields, field)
		}
		return false
	}
	value, _, _ := strings.Cut(tag[2], ",")
	switch {
	case tag[1] == "gorm":
		field.Left = tag[2] == "-" || tag[2] == "-:all"
		field.Column = first(goColumn, tag[2])
	case value == "-":
		field.Left = true
	default:
		field.Column = value
	}
	m.Fields = append(m.Fields, field)
	return true
}
