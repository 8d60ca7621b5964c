package golang

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
)

// Go is read with its own parser. A file that does not compile is read as far as the parser gets.

// syntax is a parsed file of Go.
type syntax struct {
	decls []ast.Decl
	file  *token.File
	// before is how many bytes were put before the text for the parser.
	before, size int
}

// goPackage is put before a text that has no package clause, as an example in a document.
const goPackage = "package p; "

// parseFile parses the file once.
func parseFile(r *source.File) *syntax {
	if tree, ok := r.Parsed.(*syntax); ok {
		return tree
	}
	tree := parseGo(r.Text, 0)
	if len(tree.decls) == 0 {
		tree = parseGo(append([]byte(goPackage), r.Text...), len(goPackage))
	}
	r.Parsed = tree
	return tree
}

func parseGo(text []byte, before int) *syntax {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", text, parser.SkipObjectResolution)
	s := &syntax{before: before, size: len(text) - before}
	if file == nil || err != nil && len(file.Decls) == 0 {
		return s
	}
	s.decls, s.file = file.Decls, files.File(file.Package)
	return s
}

// offsetOf returns the offset of a node in the text.
func (s *syntax) offsetOf(pos token.Pos) int {
	if s.file == nil || !pos.IsValid() {
		return 0
	}
	return min(max(s.file.Offset(pos)-s.before, 0), s.size)
}

// structType is a struct; its fields are in the order of the file.
type structType struct {
	// name is the name of its type; "" for none.
	name string
	at   token.Pos
	// local is set if it is declared in a function.
	local  bool
	fields []field
}

// field is a field, or several with one type.
type field struct {
	// names is empty for an embedded type.
	names []*ast.Ident
	// of is the name of the type, "pkg.Name" if it is another package's; "" for a type without a name.
	of  string
	typ ast.Expr
	tag string
	at  token.Pos
	// inner is set if it is a field of an anonymous struct within the struct.
	inner bool
}

// structsOf returns the structs of a file: types, groups of types, generic ones, those in functions, and anonymous
// ones.
func (s *syntax) structsOf() (out []structType) {
	for _, decl := range s.decls {
		_, local := decl.(*ast.FuncDecl)
		ast.Inspect(decl, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.TypeSpec:
				if structNode, ok := n.Type.(*ast.StructType); ok && n.Name != nil {
					out = append(out, structType{name: n.Name.Name, at: n.Name.Pos(), local: local, fields: fieldsOf(structNode, false)})
					return false
				}
			case *ast.StructType:
				out = append(out, structType{at: n.Pos(), local: local, fields: fieldsOf(n, false)})
				return false
			}
			return true
		})
	}
	return out
}

// fieldsOf returns the fields of a struct, and of the anonymous structs within it.
func fieldsOf(structNode *ast.StructType, inner bool) (out []field) {
	if structNode.Fields == nil {
		return nil
	}
	for _, f := range structNode.Fields.List {
		g := field{names: f.Names, of: typeName(f.Type), typ: f.Type, at: f.Pos(), inner: inner}
		if f.Tag != nil {
			if g.tag, _ = strconv.Unquote(f.Tag.Value); g.tag == "" {
				g.tag = f.Tag.Value
			}
		}
		out = append(out, g)
		ast.Inspect(f.Type, func(n ast.Node) bool {
			if innerStruct, ok := n.(*ast.StructType); ok {
				out = append(out, fieldsOf(innerStruct, true)...)
				return false
			}
			return true
		})
	}
	return out
}

// typeName returns the name of a type, without its pointer and its type arguments: "Base", "shared.Base"; "" for a
// type without a name.
func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		if x, ok := e.X.(*ast.Ident); ok && e.Sel != nil {
			return x.Name + "." + e.Sel.Name
		}
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.ParenExpr:
		return typeName(e.X)
	case *ast.IndexExpr:
		return typeName(e.X)
	case *ast.IndexListExpr:
		return typeName(e.X)
	}
	return ""
}

// stringValue returns the value of a string literal.
func stringValue(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// mayHaveStructs reports whether a Go file is worth parsing.
func mayHaveStructs(text []byte) bool { return bytes.Contains(text, []byte("struct")) }

// Structs of Go are read even if they are not declared to a mapper: rows are read into
// them, and models embed them.

// rowTag begins the tag that maps a row's column to a field.
const rowTag = `db:"`

// ReadStructs records the structs of a file.
func ReadStructs(r *source.File) {
	if !mayHaveStructs(r.Text) {
		return
	}
	tree := parseFile(r)
	for _, found := range tree.structsOf() {
		s := facts.Struct{Line: r.LineAt(tree.offsetOf(found.at)), Class: found.name}
		for i := range found.fields {
			f := &found.fields[i]
			line := r.LineAt(tree.offsetOf(f.at))
			for _, name := range columnsOfField(f) {
				s.Fields = append(s.Fields, facts.Word{Mark: facts.HashText(name), Line: line})
			}
			if base, ok := baseOf(r, f); ok {
				s.Bases = append(s.Bases, base)
			}
		}
		if len(s.Fields)+len(s.Bases) > 0 {
			r.Facts.Structs = append(r.Facts.Structs, s)
		}
	}
}

// columnsOfField returns the names that a field may have as a column.
func columnsOfField(f *field) (out []string) {
	for _, name := range f.names {
		if name.IsExported() {
			out = append(out, name.Name)
		}
	}
	if _, tag, found := strings.Cut(f.tag, rowTag); found {
		out = append(out, tag[:lexer.NameLength([]byte(tag))])
	}
	return out
}

// resolveImport replaces the file's own name for a package by the last part of its import
// path.
func resolveImport(r *source.File, name string) string {
	called, name, ok := strings.Cut(name, ".")
	if !ok {
		return called
	}
	for _, l := range r.Strings[:min(len(r.Strings), maxImports)] {
		text := r.Text[l.From:l.To]
		if n := bytes.LastIndexByte(text, '/'); n >= 0 && bytes.HasSuffix(r.Text[:l.Open], []byte("\t"+called+" ")) {
			return string(text[n+1:]) + "." + name
		}
	}
	return called + "." + name
}

// maxImports is how many strings of a Go file are searched for its imports.
const maxImports = 100
