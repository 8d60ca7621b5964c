package audit

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// mapped lists the columns that the models of the head have and those of the base do
// not. A migration makes them, or else the new code asks for what is not there.
func (c *comparison) mapped(p pair) []history.Change {
	if p.base == nil || p.base.Models == nil || p.head.Models == nil || c.unread(p.head) {
		return nil
	}
	had := columns(p.base.Models)
	hidden := c.madeUp()
	var out []history.Change
	for i := range p.head.Models {
		m := &p.head.Models[i]
		if m.Unmanaged || hidden || c.hides(m) {
			continue
		}
		for _, column := range m.Columns {
			if had[m.Table+"\x00"+column.Column] {
				continue
			}
			h := history.Change{Kind: history.Mapped, Other: dotted(m.Table) + "." + column.Column, Detail: m.Name, Path: m.Path, Line: column.Line, Instead: p.head.Mends}
			c.operation(&h, "AddField", m.Name[strings.LastIndexByte(m.Name, '.')+1:], column.Field)
			out = append(out, h)
		}
	}
	return out
}

// unread reports whether something of the new migrations failed to be read: then
// what the models lack or leave out may be its doing.
func (c *comparison) unread(head *adapter.Set) bool {
	failed := func(o onward.Opaque) bool { return o.Failed }
	return slices.ContainsFunc(head.Opaque, failed) || slices.ContainsFunc(c.release, func(r released) bool {
		return r.migration.Failed != "" || slices.ContainsFunc(r.migration.Opaque, failed) || refused(r.migration)
	})
}

// refused reports whether the framework refuses an operation: what it was to do is not
// known.
func refused(m *adapter.Migration) bool { return m.Runner.Renderer != nil && len(m.Problems) > 0 }

// madeUp reports whether new migrations have SQL that is made up when it runs: it may
// change any table unseen.
func (c *comparison) madeUp() bool {
	return slices.ContainsFunc(c.release, func(r released) bool {
		return slices.ContainsFunc(r.migration.Source.Parts, func(part script.Part) bool { return dynamic.MatchString(part.SQL) })
	})
}

// hides reports whether new migrations of the model's app may change its table unseen.
func (c *comparison) hides(m *adapter.Model) bool {
	app, _, _ := strings.Cut(m.Name, ".")
	return slices.ContainsFunc(c.release, func(r released) bool {
		return strings.HasPrefix(r.migration.ID, app+".") && len(r.migration.Opaque)+len(r.migration.Elsewhere) > 0
	})
}

var dynamic = regexp.MustCompile(`(?i)\bexecute\s+(?:format\b|\$|'|[a-z_]+\s*(?:;|\|\|))`)

// columns are the columns of models, each behind its table.
func columns(models []adapter.Model) map[string]bool {
	has := map[string]bool{}
	for i := range models {
		for _, column := range models[i].Columns {
			has[models[i].Table+"\x00"+column.Column] = true
		}
	}
	return has
}

// dotted is the name of a table as a mapper writes it, without its quotes.
func dotted(table string) string {
	return strings.ReplaceAll(strings.Trim(table, `"`), `"."`, ".")
}

// unmapped lists the columns that the models of the base have and those of the head
// leave out of their table. Most are dropped; one that stays must do without a value.
func (c *comparison) unmapped(p pair) []history.Change {
	if p.base == nil || p.base.Models == nil || p.head.Models == nil || p.head.Partial || c.unread(p.head) {
		return nil
	}
	now, has := map[string]*adapter.Model{}, columns(p.head.Models)
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
			if has[m.Table+"\x00"+column.Column] {
				continue
			}
			h := history.Change{Kind: history.Unmapped, Other: dotted(m.Table) + "." + column.Column, Detail: m.Name, Path: head.Path, Line: head.Line}
			c.operation(&h, "RemoveField", m.Name[strings.LastIndexByte(m.Name, '.')+1:], column.Field)
			out = append(out, h)
		}
	}
	return out
}

// uncleared lists the foreign keys that new migrations take out of the models: Django
// clears what points at a row before it deletes that one, as far as it knows of it.
func (c *comparison) uncleared(p pair) []history.Change {
	if p.base == nil || p.head.Models == nil || p.head.Partial || c.unread(p.head) {
		return nil
	}
	has, tables := columns(p.head.Models), map[string]bool{}
	for i := range p.head.Models {
		tables[p.head.Models[i].Table] = true
	}
	var out []history.Change
	for _, m := range p.base.Models {
		for _, column := range m.Columns {
			if !column.Clears || m.Unmanaged || has[m.Table+"\x00"+column.Column] {
				continue
			}
			h := history.Change{Kind: history.Uncleared, Other: dotted(m.Table) + "." + column.Column, Detail: m.Name}
			class, field := "DeleteModel", ""
			if tables[m.Table] {
				class, field = "RemoveField", column.Field
			}
			if c.operation(&h, class, m.Name[strings.LastIndexByte(m.Name, '.')+1:], field); h.Migration != "" {
				out = append(out, h)
			}
		}
	}
	return out
}

// operation finds the AddField or RemoveField of a change among the new migrations, or
// the DeleteModel of a model, where there is no field.
func (c *comparison) operation(h *history.Change, class, model, field string) {
	const name = `\s*=\s*)?["']`
	text := `\b` + class + `\(\s*(?:name` + name + `(?i:` + regexp.QuoteMeta(model) + `)["']`
	if field != "" {
		text = `\b` + class + `\(\s*(?:model_name` + name + `(?i:` + regexp.QuoteMeta(model) + `)["'],\s*(?:name` + name + regexp.QuoteMeta(field) + `["']`
	}
	op := regexp.MustCompile(text)
	for _, r := range c.release {
		text := r.migration.Source.Text
		if at := op.FindStringIndex(text); at != nil {
			h.Migration, h.Path, h.Line = r.migration.ID, r.migration.Path, 1+strings.Count(text[:at[0]], "\n")
			return
		}
	}
}
