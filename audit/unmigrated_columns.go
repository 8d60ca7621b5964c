package audit

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// findUnmigratedColumns lists the columns that the models have at the head and not at the base. If no
// migration adds such a column, the new code asks for something that does not exist.
func (c *comparison) findUnmigratedColumns(p pair) []history.Change {
	if p.base == nil || p.base.Models == nil || p.head.Models == nil || c.hasUnreadableMigration(p.head) {
		return nil
	}
	baseColumns := modelColumns(p.base.Models)
	hidden := c.hasDynamicSQL()
	var out []history.Change
	for i := range p.head.Models {
		m := &p.head.Models[i]
		if m.Unmanaged || hidden || c.mayChangeModel(m) {
			continue
		}
		for _, column := range m.Columns {
			if baseColumns[m.Table+"\x00"+column.Column] {
				continue
			}
			h := history.Change{
				Kind:    history.Mapped,
				Other:   unquoteTable(m.Table) + "." + column.Column,
				Detail:  m.Name,
				Path:    m.Path,
				Line:    column.Line,
				Instead: p.head.Mends,
			}
			c.findOperation(&h, "AddField", m.Name[strings.LastIndexByte(m.Name, '.')+1:], column.Field)
			out = append(out, h)
		}
	}
	return out
}

// hasUnreadableMigration reports whether some new migration could not be read: it may change what the
// models lack or omit.
func (c *comparison) hasUnreadableMigration(head *adapter.Set) bool {
	failed := func(o onward.Opaque) bool { return o.Failed }
	return slices.ContainsFunc(head.Opaque, failed) || slices.ContainsFunc(c.release, func(r releasedMigration) bool {
		return r.migration.Failed != "" || slices.ContainsFunc(r.migration.Opaque, failed) || hasRefusedOperation(r.migration)
	})
}

// hasRefusedOperation reports whether the framework refuses an operation: its intended effect is not
// known.
func hasRefusedOperation(m *adapter.Migration) bool {
	return m.Runner.Renderer != nil && len(m.Problems) > 0
}

// hasDynamicSQL reports whether new migrations have SQL that is built at run time: it may change
// any table.
func (c *comparison) hasDynamicSQL() bool {
	return slices.ContainsFunc(c.release, func(r releasedMigration) bool {
		return slices.ContainsFunc(r.migration.Source.Parts, func(part script.Part) bool { return dynamic.MatchString(part.SQL) })
	})
}

// mayChangeModel reports whether new migrations of the model's app may change its table in a way
// that cannot be read.
func (c *comparison) mayChangeModel(m *adapter.Model) bool {
	app, _, _ := strings.Cut(m.Name, ".")
	return slices.ContainsFunc(c.release, func(r releasedMigration) bool {
		return strings.HasPrefix(r.migration.ID, app+".") && len(r.migration.Opaque)+len(r.migration.Elsewhere) > 0
	})
}

var dynamic = lazyregexp.New(`(?i)\bexecute\s+(?:format\b|\$|'|[a-z_]+\s*(?:;|\|\|))`)

// modelColumns returns the columns of models, each with its table.
func modelColumns(models []adapter.Model) map[string]bool {
	columns := map[string]bool{}
	for i := range models {
		for _, column := range models[i].Columns {
			columns[models[i].Table+"\x00"+column.Column] = true
		}
	}
	return columns
}

// unquoteTable returns the name of a table as a mapper writes it, without its quotes.
func unquoteTable(table string) string {
	return strings.ReplaceAll(strings.Trim(table, `"`), `"."`, ".")
}

// findOmittedColumns lists the columns that the models have at the base and omit at the head. Most
// are dropped; one that stays must accept rows without a value.
func (c *comparison) findOmittedColumns(p pair) []history.Change {
	if p.base == nil || p.base.Models == nil || p.head.Models == nil || p.head.Partial || c.hasUnreadableMigration(p.head) {
		return nil
	}
	now, headColumns := map[string]*adapter.Model{}, modelColumns(p.head.Models)
	for i := range p.head.Models {
		m := &p.head.Models[i]
		if now[m.Table] == nil {
			now[m.Table] = m
		}
	}
	var out []history.Change
	for _, m := range p.base.Models {
		head := now[m.Table]
		if head == nil {
			continue
		}
		for _, column := range m.Columns {
			if headColumns[m.Table+"\x00"+column.Column] {
				continue
			}
			h := history.Change{Kind: history.Unmapped, Other: unquoteTable(m.Table) + "." + column.Column, Detail: m.Name, Path: head.Path, Line: head.Line}
			c.findOperation(&h, "RemoveField", m.Name[strings.LastIndexByte(m.Name, '.')+1:], column.Field)
			out = append(out, h)
		}
	}
	return out
}

// findRemovedKeys lists the foreign keys that new migrations remove from the models: before
// Django deletes a row, it clears the rows that refer to it, but only through keys that
// it knows.
func (c *comparison) findRemovedKeys(p pair) []history.Change {
	if p.base == nil || p.head.Models == nil || p.head.Partial || c.hasUnreadableMigration(p.head) {
		return nil
	}
	headColumns, tables := modelColumns(p.head.Models), map[string]bool{}
	for i := range p.head.Models {
		tables[p.head.Models[i].Table] = true
	}
	var out []history.Change
	for _, m := range p.base.Models {
		for _, column := range m.Columns {
			if !column.Clears || m.Unmanaged || headColumns[m.Table+"\x00"+column.Column] {
				continue
			}
			h := history.Change{Kind: history.Uncleared, Other: unquoteTable(m.Table) + "." + column.Column, Detail: m.Name}
			class, field := "DeleteModel", ""
			if tables[m.Table] {
				class, field = "RemoveField", column.Field
			}
			if c.findOperation(&h, class, m.Name[strings.LastIndexByte(m.Name, '.')+1:], field); h.Migration != "" {
				out = append(out, h)
			}
		}
	}
	return out
}

// findOperation finds the AddField or RemoveField of a change among the new migrations, or
// the DeleteModel of a model if there is no field.
func (c *comparison) findOperation(h *history.Change, class, model, field string) {
	const name = `\s*=\s*)?["']`
	text := `\b` + class + `\(\s*(?:name` + name + `(?i:` + regexp.QuoteMeta(model) + `)["']`
	if field != "" {
		text = `\b` + class + `\(\s*(?:model_name` + name + `(?i:` + regexp.QuoteMeta(model) + `)["'],\s*(?:name` + name + regexp.QuoteMeta(field) + `["']`
	}
	op := lazyregexp.New(text)
	for _, r := range c.release {
		text := r.migration.Source.Text
		if match := op.FindStringIndex(text); match != nil {
			h.Migration, h.Path, h.Line = r.migration.ID, r.migration.Path, 1+strings.Count(text[:match[0]], "\n")
			return
		}
	}
}

// columnComments maps schema.table.column to the place at which a migration comments on the column.
// If the column is renamed later, it is not found, and reported without a place.
type columnComments map[string]onward.Place

func (x *columnComments) addComments(m *adapter.Migration, s *script.Script) {
	for _, st := range s.Statements {
		c := st.Node.GetCommentStmt()
		if c == nil || c.GetObjtype() != pgparse.ObjectType_OBJECT_COLUMN {
			continue
		}
		list := pgparse.ListItems(c.GetObject())
		if len(list) < 2 {
			continue
		}
		schema, name := pgparse.SchemaAndName(list[:len(list)-1])
		if schema == "" {
			schema = "public"
		}
		if *x == nil {
			*x = columnComments{}
		}
		(*x)[schema+"."+name+"."+pgparse.LastText(list)] = onward.Place{Migration: m.ID, Path: m.Path, Line: st.Line}
	}
}

// formatDay returns the day of a time, in UTC.
func formatDay(now time.Time) string {
	if now.IsZero() {
		now = time.Now()
	}
	return now.UTC().Format(time.DateOnly)
}
