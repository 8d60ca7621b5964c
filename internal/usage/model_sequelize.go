package usage

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/inflect"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Sequelize: User.init({…}, {…}) and sequelize.define('User', {…}, {…}). Each query lists all attributes.
var (
	sqModel   = lazyregexp.New(`\b(\w+)\.init\(\s*\{|\.define\(\s*["'` + "`" + `](\w+)["'` + "`" + `]\s*,\s*\{`)
	sqType    = lazyregexp.New(`\b(?:DataTypes?|[sS]equelize)\.[A-Z]|\btype\s*:\s*[A-Z]{3}`)
	sqVirtual = lazyregexp.New(`\bVIRTUAL\b`)
	sqOwner   = lazyregexp.New(`\b(\w+)\.belongsTo\([^)]{0,200}?\bforeignKey\s*:\s*(?:\{[^}]{0,200}?\bname\s*:\s*)?["'](\w+)["']`)
	nameText  = lazyregexp.New(`^[\w.]+$`)
	// obTable matches a table's name that a method of a class returns.
	obTable = lazyregexp.New(`\bstatic\s+get\s+tableName\s*\(\s*\)\s*(?::\s*string\s*)?\{\s*return\s+["'` + "`" + `]([\w.]+)["'` + "`" + `]`)
	obClass = lazyregexp.New(`\bclass\s+(\w+)`)
)

// sequelizeModels reads the models of Sequelize, and the tables that classes of Objection return.
func (r *reader) sequelizeModels() {
	for _, m := range obTable.FindAllSubmatchIndex(r.text, -1) {
		before := r.text[max(0, m[0]-maxDeclared):m[0]]
		class := ""
		if all := obClass.FindAllSubmatch(before, -1); len(all) > 0 {
			class = string(all[len(all)-1][1])
		}
		r.addModel(&Model{Table: r.groupText(m, 1), Class: class, Line: r.lineAt(m[0])})
	}
	if !bytes.Contains(r.text, []byte("equelize")) {
		return
	}
	var found []*Model
	for at := 0; at < len(r.text); {
		m := sqModel.FindSubmatchIndex(r.text[at:])
		if m == nil {
			break
		}
		open := at + m[1] - 1
		class := cmp.Or(groupOf(r.text[at:], m, 1), groupOf(r.text[at:], m, 2))
		attributes, end, closed := r.readObject(open)
		if closed {
			if model := r.sequelizeModel(class, open, attributes, &end); model != nil {
				found = append(found, model)
			}
		}
		at = max(end, open+1)
	}
	if len(found) == 1 {
		r.addOwners(found[0])
	}
	for _, m := range found {
		r.addModel(m)
	}
}

// groupOf returns a group of a match in a text; "" if it did not match.
func groupOf(text []byte, m []int, i int) string {
	if m[2*i] < 0 {
		return ""
	}
	return string(text[m[2*i]:m[2*i+1]])
}

// sequelizeModel returns the model with some attributes, and the options after them; nil if no attribute has a type of Sequelize.
func (r *reader) sequelizeModel(class string, open int, attributes []property, end *int) *Model {
	m := &Model{Class: class, Line: r.lineAt(open)}
	typed, key := false, false
	for _, a := range attributes {
		value := r.text[a.from:a.to]
		typed = typed || sqType.Match(value)
		key = key || bytes.Contains(value, []byte("primaryKey"))
		if sqVirtual.Match(value) {
			continue
		}
		f := Field{Field: a.key, Line: r.lineAt(a.at)}
		if trimmed := bytes.TrimLeft(value, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' {
			options, _, _ := r.readObject(a.to - len(trimmed))
			f.Column = quotedText(r.valueOf(options, "field"))
		}
		m.Fields = append(m.Fields, f)
	}
	if !typed {
		return nil
	}
	if !key {
		m.Fields = append(m.Fields, Field{Field: "id", Column: "id", Line: m.Line})
	}
	var options []property
	rest := bytes.TrimLeft(r.text[*end:], " \t\r\n,")
	if len(rest) > 0 && rest[0] == '{' {
		options, *end, _ = r.readObject(len(r.text) - len(rest))
	}
	r.addSequelizeOptions(m, options)
	return m
}

// addSequelizeOptions adds to a model what its options say: its table, and the columns that Sequelize sets itself.
func (r *reader) addSequelizeOptions(m *Model, options []property) {
	m.Class = cmp.Or(quotedText(r.valueOf(options, "modelName")), m.Class)
	m.Table, m.Schema = quotedText(r.valueOf(options, "tableName")), quotedText(r.valueOf(options, "schema"))
	if table := inflect.Pluralize(m.Class); m.Table == "" && normalizeName(Singular(table)) != normalizeName(m.Class) {
		m.Table = table
	}
	if r.valueOf(options, "timestamps") != "false" {
		m.addTimestamp(r.valueOf(options, "createdAt"), "createdAt")
		m.addTimestamp(r.valueOf(options, "updatedAt"), "updatedAt")
		if r.valueOf(options, "paranoid") == "true" {
			m.addTimestamp(r.valueOf(options, "deletedAt"), "deletedAt")
		}
	}
}

// addTimestamp adds a column that Sequelize sets itself, unless the model declares it.
func (m *Model) addTimestamp(value, name string) {
	if value == "false" {
		return
	}
	name = cmp.Or(quotedText(value), name)
	if !slices.ContainsFunc(m.Fields, func(f Field) bool { return f.Field == name || f.Column == name }) {
		m.Fields = append(m.Fields, Field{Field: name, Line: m.Line})
	}
}

// addOwners adds the columns of the associations in a file with one model.
func (r *reader) addOwners(m *Model) {
	for _, at := range sqOwner.FindAllSubmatchIndex(r.text, -1) {
		if of := r.groupText(at, 1); of == "this" || of == m.Class {
			m.Fields = append(m.Fields, Field{Field: r.groupText(at, 2), Line: r.lineAt(at[0])})
		}
	}
}
