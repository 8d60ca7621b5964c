package javascript

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/inflect"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Sequelize: User.init({…}, {…}) and sequelize.define('User', {…}, {…}). Each query lists all attributes.
var (
	sqModel   = lazyregexp.New(`\b(\w+)\.init\(\s*\{|\.define\(\s*["'` + "`" + `](\w+)["'` + "`" + `]\s*,\s*\{`)
	sqType    = lazyregexp.New(`\b(?:DataTypes?|[sS]equelize)\.[A-Z]|\btype\s*:\s*[A-Z]{3}`)
	sqVirtual = lazyregexp.New(`\bVIRTUAL\b`)
	sqOwner   = lazyregexp.New(`\b(\w+)\.belongsTo\([^)]{0,200}?\bforeignKey\s*:\s*(?:\{[^}]{0,200}?\bname\s*:\s*)?["'](\w+)["']`)
	// obTable matches a table's name that a method of a class returns.
	obTable = lazyregexp.New(`\bstatic\s+get\s+tableName\s*\(\s*\)\s*(?::\s*string\s*)?\{\s*return\s+["'` + "`" + `]([\w.]+)["'` + "`" + `]`)
	obClass = lazyregexp.New(`\bclass\s+(\w+)`)
)

// readSequelizeModels reads the models of Sequelize, and the tables that classes of Objection return.
func readSequelizeModels(r *source.File) {
	for _, m := range obTable.FindAllSubmatchIndex(r.Text, -1) {
		before := r.Text[max(0, m[0]-source.MaxDeclared):m[0]]
		class := ""
		if all := obClass.FindAllSubmatch(before, -1); len(all) > 0 {
			class = string(all[len(all)-1][1])
		}
		r.AddModel(&facts.Model{Table: r.GroupText(m, 1), Class: class, Line: r.LineAt(m[0])})
	}
	if !bytes.Contains(r.Text, []byte("equelize")) {
		return
	}
	var found []*facts.Model
	for offset := 0; offset < len(r.Text); {
		m := sqModel.FindSubmatchIndex(r.Text[offset:])
		if m == nil {
			break
		}
		open := offset + m[1] - 1
		class := cmp.Or(groupOf(r.Text[offset:], m, 1), groupOf(r.Text[offset:], m, 2))
		attributes, end, closed := r.ReadObject(open)
		if closed {
			if model := buildSequelizeModel(r, class, open, attributes, &end); model != nil {
				found = append(found, model)
			}
		}
		offset = max(end, open+1)
	}
	if len(found) == 1 {
		addAssociationColumns(r, found[0])
	}
	for _, m := range found {
		r.AddModel(m)
	}
}

// groupOf returns a group of a match in a text; "" if it did not match.
func groupOf(text []byte, m []int, i int) string {
	if m[2*i] < 0 {
		return ""
	}
	return string(text[m[2*i]:m[2*i+1]])
}

// buildSequelizeModel returns the model with some attributes, and the options after them; nil if no attribute has a type of Sequelize.
func buildSequelizeModel(r *source.File, class string, open int, attributes []source.Property, end *int) *facts.Model {
	m := &facts.Model{Class: class, Line: r.LineAt(open)}
	typed, key := false, false
	for _, a := range attributes {
		value := r.Text[a.From:a.To]
		typed = typed || sqType.Match(value)
		key = key || bytes.Contains(value, []byte("primaryKey"))
		if sqVirtual.Match(value) {
			continue
		}
		f := facts.Field{Field: a.Key, Line: r.LineAt(a.At), Default: sequelizeDefaults.Find(string(value))}
		if trimmed := bytes.TrimLeft(value, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' {
			options, _, _ := r.ReadObject(a.To - len(trimmed))
			f.Column = source.QuotedText(r.ValueOf(options, "field"))
		}
		m.Fields = append(m.Fields, f)
	}
	if !typed {
		return nil
	}
	if !key {
		m.Fields = append(m.Fields, facts.Field{Field: "id", Column: "id", Line: m.Line})
	}
	var options []source.Property
	rest := bytes.TrimLeft(r.Text[*end:], " \t\r\n,")
	if len(rest) > 0 && rest[0] == '{' {
		options, *end, _ = r.ReadObject(len(r.Text) - len(rest))
	}
	addSequelizeOptions(r, m, options)
	return m
}

// addSequelizeOptions adds to a model what its options say: its table, and the columns that Sequelize sets itself.
func addSequelizeOptions(r *source.File, m *facts.Model, options []source.Property) {
	m.Class = cmp.Or(source.QuotedText(r.ValueOf(options, "modelName")), m.Class)
	m.Table, m.Schema = source.QuotedText(r.ValueOf(options, "tableName")), source.QuotedText(r.ValueOf(options, "schema"))
	if table := inflect.Pluralize(m.Class); m.Table == "" && facts.NormalizeName(facts.Singular(table)) != facts.NormalizeName(m.Class) {
		m.Table = table
	}
	if r.ValueOf(options, "timestamps") != "false" {
		addTimestamp(m, r.ValueOf(options, "createdAt"), "createdAt")
		addTimestamp(m, r.ValueOf(options, "updatedAt"), "updatedAt")
		if r.ValueOf(options, "paranoid") == "true" {
			addTimestamp(m, r.ValueOf(options, "deletedAt"), "deletedAt")
		}
	}
}

// addTimestamp adds a column that Sequelize sets itself, unless the model declares it.
func addTimestamp(m *facts.Model, value, name string) {
	if value == "false" {
		return
	}
	name = cmp.Or(source.QuotedText(value), name)
	if !slices.ContainsFunc(m.Fields, func(f facts.Field) bool { return f.Field == name || f.Column == name }) {
		m.Fields = append(m.Fields, facts.Field{Field: name, Line: m.Line})
	}
}

// addAssociationColumns adds the columns of the associations in a file with one model.
func addAssociationColumns(r *source.File, m *facts.Model) {
	for _, match := range sqOwner.FindAllSubmatchIndex(r.Text, -1) {
		if owner := r.GroupText(match, 1); owner == "this" || owner == m.Class {
			m.Fields = append(m.Fields, facts.Field{Field: r.GroupText(match, 2), Line: r.LineAt(match[0])})
		}
	}
}

// sequelizeDefaults say who has the default of a column.
var sequelizeDefaults = source.DefaultSigns{Model: lazyregexp.New(`\bdefaultValue\s*:`)}
