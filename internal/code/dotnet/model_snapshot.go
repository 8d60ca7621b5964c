package dotnet

import (
	"cmp"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// readModelSnapshot reads the snapshot of a model for Postgres: each entity with its table, and each property with its column.
func readModelSnapshot(r *source.File) {
	if !npgsql.Match(r.Text) {
		return
	}
	var all []*snapshotEntity
	byName, variables := map[string]*snapshotEntity{}, map[string]*snapshotEntity{}
	schema, ends := "", true
	var last *snapshotEntity
	r.EachLine(func(n, _ int, line string) {
		if s := source.FirstGroup(csDefault, line); s != "" {
			schema = s
		}
		if m := csEntity.FindStringSubmatch(line); m != nil {
			e := byName[m[1]]
			if e == nil {
				e = newSnapshotEntity(m[1], n)
				byName[m[1]] = e
				all = append(all, e)
			}
			variables[m[2]], last = e, nil
			return
		}
		if m := csOwned.FindStringSubmatch(line); m != nil && variables[m[1]] != nil {
			e := newSnapshotEntity(m[2], n)
			e.owner, e.property = variables[m[1]], m[3]
			variables[m[4]], last = e, nil
			all = append(all, e)
			return
		}
		if m := csMember.FindStringSubmatch(line); m != nil && variables[m[1]] != nil {
			last = variables[m[1]]
			last.readEntityCall(m, n)
		} else if last != nil && !ends && len(last.Fields) > 0 {
			readSnapshotOption(&last.Fields[len(last.Fields)-1], line)
		}
		ends = strings.HasSuffix(line, ";")
	})
	for _, e := range all {
		addSnapshotEntity(r, e, byName, schema)
	}
}

func newSnapshotEntity(name string, n int) *snapshotEntity {
	e := &snapshotEntity{}
	e.Line = n
	separator := strings.LastIndexAny(name, ".+")
	e.Class = name[separator+1:]
	e.Scope = name[:max(separator, 0)]
	return e
}

// readEntityCall reads a call that says something of an entity.
func (e *snapshotEntity) readEntityCall(m []string, n int) {
	switch {
	case m[3] != "":
		f := facts.Field{Field: m[3], Line: n, Null: facts.NullTaken}
		if csValue.MatchString(m[2]) { // a struct, which has a value always
			f.Null, f.Default = facts.NullFails, facts.DefaultByModel
		}
		e.Fields = append(e.Fields, f)
	case m[4] == "ToTable":
		e.Table, e.Schema = m[5], m[6]
	case m[4] == "ToJson":
		e.asJSON = cmp.Or(m[5], e.property)
	case m[4] == "HasBaseType":
		e.base = m[5]
	case m[4] == "HasKey":
		e.key = m[5]
	}
}

// readSnapshotOption reads a call that continues the declaration of a property.
func readSnapshotOption(f *facts.Field, line string) {
	switch c := source.FirstGroup(csContinue, line); {
	case c != "":
		f.Column = c
	case strings.HasPrefix(line, ".IsRequired()"):
		f.Null = facts.NullFails
	case snapshotDefaults.Find(line) != facts.DefaultUnknown:
		f.Default = facts.DefaultByServer
	}
}

// maxOwners bounds how many owners and base types of an entity are followed.
const maxOwners = 4

// addSnapshotEntity records an entity with its table. One that another owns has its columns in the table of the owner, and one that
// extends another has its table.
func addSnapshotEntity(r *source.File, e *snapshotEntity, byName map[string]*snapshotEntity, schema string) {
	tableEntity := e
	for range maxOwners {
		if tableEntity.Table != "" || tableEntity.base == "" && tableEntity.owner == nil {
			break
		}
		next := tableEntity.owner
		if tableEntity.base != "" {
			next = byName[tableEntity.base]
		}
		if next == nil {
			break
		}
		tableEntity = next
	}
	if e.Table, e.Schema = tableEntity.Table, cmp.Or(e.Schema, tableEntity.Schema, schema); e.Table == "" {
		return // a view, or a type without a table
	}
	if e.asJSON != "" {
		e.Fields = []facts.Field{{Field: e.property, Column: e.asJSON, Line: e.Line}}
	}
	shares := e.owner != nil && e.asJSON == "" && e.Table == e.owner.Table
	fields := e.Fields[:0]
	for _, f := range e.Fields {
		switch {
		case shares && f.Field == e.key:
			continue // the key of the owner
		case f.Column == "" && shares:
			f.Column = e.property + "_" + f.Field
		case f.Column == "":
			f.Column = f.Field
		}
		if tableEntity != e { // rows of other types have NULL there
			f.Null = facts.NullUnknown
		}
		fields = append(fields, f)
	}
	e.Fields = fields
	r.AddModel(&e.Model)
}

// snapshotDefaults say who has the default of a column.
var snapshotDefaults = source.DefaultSigns{Server: lazyregexp.New(`^\.HasDefaultValue(?:Sql)?\(`)}
