// Package golang reads what Go declares to a mapper: GORM, bun, go-pg, ent, sqlx and sqlc.
package golang

import (
	"bytes"
	"cmp"
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Readers are the readers of the language's files.
var Readers = []source.Reader{
	{Endings: []string{".go"}, Signs: []string{"gorm", "bun.", "db:\"", "TableName()", "ent.Schema", "pg:\""}, Read: readGoModels},
	{Endings: []string{".go"}, Read: readGoEnums},
}

// Go: GORM, bun, go-pg, ent, and structs whose tags name the columns of their rows.
var (
	goTag      = lazyregexp.New(`\b(gorm|bun|db|pg|sqlx|boil):"([^"]*)"`)
	goMapped   = lazyregexp.New(`\b(?:gorm|bun|pg):"`)
	goColumn   = lazyregexp.New(`(?i)\bcolumn:([\w]+)`)
	goBase     = lazyregexp.New(`\b(?:table|alias|select):([\w.]+)|^([\w.]+)`)
	goEmbedded = lazyregexp.New(`\bgorm:"(?:[^"]*;)?embedded\b|\bbun:"[^"]*\bembed:`)
	gormJoin   = lazyregexp.New(`\bgorm:"(?:[^"]*;)?many2many:([\w.]+)`)
	goPrefix   = lazyregexp.New(`\bembeddedPrefix:(\w+)|\bembed:(\w+)`)
)

// gormColumns are the columns that a struct gets from gorm.Model.
var gormColumns = []string{"id", "created_at", "updated_at", "deleted_at"}

func readGoModels(r *source.File) {
	tree := parseFile(r)
	g := &goReader{
		r: r, tree: tree, models: map[string]*goModel{},
		gorm: bytes.Contains(r.Text, []byte("gorm.Model")) || bytes.Contains(r.Text, []byte(`"gorm.io/gorm"`)),
	}
	for _, s := range tree.structsOf() {
		if s.name != "" {
			g.addStruct(s)
		}
	}
	for _, decl := range tree.decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Recv != nil && len(f.Recv.List) == 1 && f.Body != nil {
			g.addMethod(typeName(f.Recv.List[0].Type), f)
		}
	}
	for _, m := range g.order {
		if m.isDeclared {
			m.Guessed = m.Table == "" && !m.mapper
			if m.mapper || g.gorm {
				clearNullFailures(&m.Model)
			}
			r.AddModel(&m.Model)
		}
	}
}

// goReader reads structs, and the methods that name their tables.
type goReader struct {
	r    *source.File
	tree *syntax
	gorm bool // of the file: any struct may be a model

	models map[string]*goModel // by their types, without those within functions
	order  []*goModel
}

// goModel is a struct that may be a model.
type goModel struct {
	facts.Model
	isDeclared bool // has a tag, a base or a name for its table
	mapper     bool // a tag other than one for reading rows into it
}

func (g *goReader) lineOf(pos token.Pos) int { return g.r.LineAt(g.tree.offsetOf(pos)) }

// findOrAddModel returns the model of a type in the package.
func (g *goReader) findOrAddModel(class string, pos token.Pos) *goModel {
	m := g.models[class]
	if m == nil {
		m = &goModel{Model: facts.Model{Class: class, Line: g.lineOf(pos)}}
		g.models[class] = m
		g.order = append(g.order, m)
	}
	return m
}

func (g *goReader) addStruct(s structType) {
	m := &goModel{Model: facts.Model{Class: s.name, Line: g.lineOf(s.at)}}
	if s.local {
		g.order = append(g.order, m)
	} else {
		m = g.findOrAddModel(s.name, s.at)
	}
	m.isDeclared = m.isDeclared || g.gorm
	for i := range s.fields {
		g.addField(m, &s.fields[i])
	}
}

// addField records what a field says about the table.
func (g *goReader) addField(m *goModel, f *field) {
	line := g.lineOf(f.at)
	tag := goTag.FindStringSubmatch(f.tag)
	m.mapper = m.mapper || goMapped.MatchString(f.tag)
	switch {
	case len(f.names) == 0 && f.of == "gorm.Model":
		m.isDeclared, m.mapper = true, true
		for _, c := range gormColumns {
			m.Fields = append(m.Fields, facts.Field{Field: c, Column: c, Line: line})
		}
		return
	case len(f.names) == 0 && f.of == "ent.Schema":
		m.isDeclared, m.mapper = true, true
		return
	case len(f.names) == 0 && f.of == "bun.BaseModel", len(f.names) == 1 && f.names[0].Name == "tableName":
		m.isDeclared, m.mapper = true, m.mapper || f.of == "bun.BaseModel"
		if tag != nil {
			m.Table = cmp.Or(source.FirstGroup(goBase, tag[2]), m.Table)
		}
		return
	}
	if base, ok := baseOf(g.r, f); ok {
		m.Bases = append(m.Bases, base)
		m.isDeclared = m.isDeclared || tag != nil
		return
	}
	if table := source.FirstGroup(gormJoin, f.tag); table != "" {
		g.order = append(g.order, &goModel{Model: facts.Model{Table: table, Class: m.Class, Line: line}, isDeclared: true, mapper: true})
	}
	for _, name := range f.names {
		field := facts.Field{Field: name.Name, Line: g.lineOf(name.Pos()), Null: nullOfGoType(f.typ)}
		switch {
		case tag == nil && !name.IsExported():
			continue
		case tag == nil:
		case tag[1] == "gorm":
			field.Left = tag[2] == "-" || tag[2] == "-:all"
			field.Column = source.FirstGroup(goColumn, tag[2])
		default:
			if value, _, _ := strings.Cut(tag[2], ","); value == "-" {
				field.Left = true
			} else {
				field.Column = value
			}
		}
		m.Fields = append(m.Fields, field)
		m.isDeclared = m.isDeclared || tag != nil
	}
}

// baseOf returns the struct whose columns a field adds: an embedded type, or one that a tag tells the mapper to
// embed.
func baseOf(r *source.File, f *field) (facts.Base, bool) {
	if f.inner || f.of == "" || strings.Contains(f.tag, `:"-"`) || len(f.names) > 0 && !goEmbedded.MatchString(f.tag) {
		return facts.Base{}, false
	}
	return facts.Base{Name: resolveImport(r, f.of), Prefix: source.FirstGroup(goPrefix, f.tag)}, true
}

// addMethod records what a method says about its type's table.
func (g *goReader) addMethod(class string, f *ast.FuncDecl) {
	if class == "" {
		return
	}
	if f.Name.Name == "TableName" {
		if table := g.returnedText(f); table != "" {
			m := g.findOrAddModel(class, f.Pos())
			m.Table, m.isDeclared = table, true
		}
		return
	}
	if m := g.models[class]; m != nil && m.isDeclared {
		g.addEntMethod(m, f)
	}
}

// returnedText returns the text that a function returns first, as a literal or a constant of the file; "" for none.
func (g *goReader) returnedText(f *ast.FuncDecl) (text string) {
	ast.Inspect(f.Body, func(n ast.Node) bool {
		result, ok := n.(*ast.ReturnStmt)
		if !ok || text != "" || len(result.Results) != 1 {
			return text == ""
		}
		if text, ok = stringValue(result.Results[0]); !ok {
			if indexes := g.r.FindConstant(typeName(result.Results[0])); len(indexes) == 1 {
				text = string(g.r.Text[g.r.Strings[indexes[0]].From:g.r.Strings[indexes[0]].To])
			}
		}
		return false
	})
	return text
}

// addEntMethod records the fields and the table that a method of an ent schema names.
func (g *goReader) addEntMethod(m *goModel, f *ast.FuncDecl) {
	keys := map[*ast.CallExpr]string{} // the column that a chain of calls gives to the field at its beginning
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Table" {
				if table, ok := stringValue(n.Value); ok {
					m.Table = table
				}
			}
		case *ast.CallExpr:
			callee, ok := n.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			argument := ""
			if len(n.Args) > 0 {
				argument, _ = stringValue(n.Args[0])
			}
			key := keys[n]
			if callee.Sel.Name == "StorageKey" {
				key = cmp.Or(argument, key)
			}
			if next, ok := callee.X.(*ast.CallExpr); ok {
				keys[next] = key
				return true
			}
			switch x, _ := callee.X.(*ast.Ident); {
			case x == nil || argument == "":
			case x.Name == "entsql" && callee.Sel.Name == "Table":
				m.Table = argument
			case x.Name == "field":
				m.Fields = append(m.Fields, facts.Field{Field: argument, Column: cmp.Or(key, argument), Line: g.lineOf(callee.Sel.Pos())})
			}
		}
		return true
	})
}

// clearNullFailures forgets which fields fail at NULL, for mappers that read NULL as the zero value.
func clearNullFailures(m *facts.Model) {
	for i := range m.Fields {
		if m.Fields[i].Null == facts.NullFails {
			m.Fields[i].Null = facts.NullUnknown
		}
	}
}

// goScalars are the types of Go into which neither pgx nor database/sql scans NULL.
var goScalars = []string{"string", "bool", "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "time.Time"}

// nullOfGoType says whether a type of Go takes NULL.
func nullOfGoType(typ ast.Expr) facts.Null {
	name := typeName(typ)
	in, last, qualified := strings.Cut(name, ".")
	switch _, pointer := typ.(*ast.StarExpr); {
	case pointer, qualified && (in == "pgtype" || in == "null" || strings.HasPrefix(last, "Null")):
		return facts.NullTaken
	case slices.Contains(goScalars, name):
		return facts.NullFails
	}
	return facts.NullUnknown
}

// SqlcMark is in the first line of what sqlc generates.
var SqlcMark = []byte("// Code generated by sqlc")

// ReadGeneratedRows records the structs that sqlc generates for the rows of tables.
func ReadGeneratedRows(r *source.File) {
	tree := parseFile(r)
	for _, s := range tree.structsOf() {
		m := facts.Model{Class: s.name, Line: r.LineAt(tree.offsetOf(s.at))}
		for i := range s.fields {
			f := &s.fields[i]
			for _, name := range f.names {
				if null := nullOfGoType(f.typ); name.IsExported() && null != facts.NullUnknown {
					m.Fields = append(m.Fields, facts.Field{Field: name.Name, Line: r.LineAt(tree.offsetOf(name.Pos())), Null: null})
				}
			}
		}
		if m.Class != "" && len(m.Fields) > 0 {
			r.Facts.Rows = append(r.Facts.Rows, m)
		}
	}
}

var goConst = lazyregexp.New(`^(?:const)?[ \t]+(\w+)[ \t]+(\w+)[ \t]*=[ \t]*"([^"\n]*)"[ \t]*(?://.*)?$`)

// readGoEnums reads constants of one type: const Paid Status = "paid".
func readGoEnums(r *source.File) {
	if !bytes.Contains(r.Text, []byte("const")) {
		return
	}
	indexByClass := map[string]int{}
	var list []facts.Enum
	for offset := 0; ; {
		n := bytes.Index(r.Text[offset:], []byte(`= "`))
		if n < 0 {
			break
		}
		from := bytes.LastIndexByte(r.Text[:offset+n], '\n') + 1
		offset += n + lexer.LineEnd(r.Text[offset+n:])
		m := goConst.FindSubmatch(r.Text[from:offset])
		if m == nil || string(m[2]) == "string" {
			continue
		}
		class := string(m[2])
		i, known := indexByClass[class]
		if !known {
			i = len(list)
			indexByClass[class], list = i, append(list, facts.Enum{Class: class, Line: r.LineAt(from)})
		}
		list[i].Labels = append(list[i].Labels, r.MakeLabel(string(m[1]), string(m[3]), from))
	}
	for _, e := range list {
		r.AddEnum(e)
	}
}
