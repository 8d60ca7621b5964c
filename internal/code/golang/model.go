package golang

import (
	"bytes"
	"cmp"
	"go/ast"
	"go/token"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

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
	ent        bool // is a schema of ent
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
		m.isDeclared, m.mapper, m.ent = true, true, true
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
