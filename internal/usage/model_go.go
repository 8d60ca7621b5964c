package usage

import (
	"bytes"
	"cmp"
	"regexp"
	"strings"
)

// Go: GORM, bun, go-pg, ent, and structs whose tags name the columns of their rows.
var (
	goType      = regexp.MustCompile(`^type (\w+) struct \{`)
	goField     = regexp.MustCompile("^([\\w.]+)\\s+[^`]*?(?:`([^`]*)`.*)?$")
	goTag       = regexp.MustCompile(`\b(gorm|bun|db|pg|sqlx|boil):"([^"]*)"`)
	goMapper    = regexp.MustCompile(`\b(?:gorm|bun|pg):"|^\*?gorm\.Model\b|^ent\.Schema\b|\bbun\.BaseModel\b`)
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
	g := &goReader{
		r: r, models: map[string]*Model{}, told: map[string]bool{}, mapper: map[string]bool{},
		gorm: bytes.Contains(r.text, []byte("gorm.Model")) || bytes.Contains(r.text, []byte(`"gorm.io/gorm"`)),
	}
	r.lines(g.line)
	for _, c := range g.order {
		if g.told[c] {
			m := g.models[c]
			m.Guessed = m.Table == "" && !g.mapper[c]
			r.add(m)
		}
	}
}

// goReader reads structs, and the methods that tell of their tables.
type goReader struct {
	r    *reader
	gorm bool // of the file: any struct may be a model

	models map[string]*Model
	order  []string
	told   map[string]bool // has a tag, a base or a name for its table
	mapper map[string]bool // and not only one for what reads rows into it

	in    *Model
	named string // the type whose method TableName goes on
	ent   string // the struct that is a schema of ent
}

func (g *goReader) line(n, indent int, line string) {
	switch {
	case indent == 0 && goType.MatchString(line):
		g.begins(n, line)
		return
	case indent == 0 && goTableName.MatchString(line):
		m := goTableName.FindStringSubmatch(line)
		if g.named = m[1]; m[2] != "" {
			g.name(n, m[2])
		}
		return
	case g.named != "":
		g.name(n, first(goReturn, line))
	case indent == 0 && line == "}":
		g.in, g.ent = nil, ""
	case g.in != nil:
		g.told[g.in.Class] = goStructLine(g.r, g.in, n, line) || g.told[g.in.Class]
		g.mapper[g.in.Class] = g.mapper[g.in.Class] || goMapper.MatchString(line)
		if line == "ent.Schema" {
			g.ent, g.told[g.in.Class] = g.in.Class, true
		}
		return
	}
	if len(g.order) > 0 {
		g.entLine(n, line)
	}
}

func (g *goReader) begins(n int, line string) {
	name := first(goType, line)
	g.in = &Model{Class: name, Line: n}
	g.told[name] = g.told[name] || g.gorm
	if strings.HasSuffix(line, "}") {
		g.in = nil
		return
	}
	if was := g.models[name]; was != nil {
		was.Line, g.in = n, was
		return
	}
	g.models[name] = g.in
	g.order = append(g.order, name)
}

// entLine reads a line of a method: the fields of ent's schemas stand in one, which
// names no type.
func (g *goReader) entLine(n int, line string) {
	class := g.order[len(g.order)-1]
	m := g.models[class]
	switch {
	case !g.told[class]:
	case g.ent == "" && strings.Contains(line, "field."):
		if f := first(entField, line); f != "" {
			m.Fields = append(m.Fields, Field{Field: f, Column: cmp.Or(first(entKey, line), f), Line: n})
		}
	case strings.Contains(line, "Table:"):
		m.Table = cmp.Or(first(entTable, line), m.Table)
	}
}

// name gives a type the table that a method of it names, by itself or as a constant;
// "" is nothing.
func (g *goReader) name(line int, table string) {
	class := g.named
	if g.named = ""; table == "" {
		return
	}
	if g.models[class] == nil {
		g.models[class] = &Model{Class: class, Line: line}
		g.order = append(g.order, class)
	}
	switch of := g.r.constOf(strings.Trim(table, `"`)); {
	case table[0] == '"':
		g.models[class].Table = strings.Trim(table, `"`)
	case len(of) == 1:
		g.models[class].Table = string(g.r.text[g.r.lits[of[0]].from:g.r.lits[of[0]].to])
	}
	g.told[class] = true
}

// goStructLine reads a line of a struct, and reports whether a mapper is told something.
func goStructLine(r *reader, m *Model, n int, line string) bool {
	if line == "" || noted(line) && nameLen([]byte(line[1:])) == 0 { // *Base is embedded
		return false
	}
	if strings.HasPrefix(line, "gorm.Model") || strings.HasPrefix(line, "*gorm.Model") {
		for _, c := range gormColumns {
			m.Fields = append(m.Fields, Field{Field: c, Column: c, Line: n})
		}
		return true
	}
	if base, ok := r.embeds([]byte(line)); ok && base.Name != "bun.BaseModel" && base.Name != "ent.Schema" {
		m.Bases = append(m.Bases, base)
		return goTag.MatchString(line)
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
