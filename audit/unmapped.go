package audit

import (
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/rule"
)

// unmapped lists the columns that the models of the base have and those of the head
// leave out of their table. Most are dropped; one that stays must do without a value.
func (c *comparison) unmapped(p pair) []rule.HistoryChange {
	if p.base == nil || p.base.Models == nil || p.head.Models == nil {
		return nil
	}
	now, has := map[string]*adapter.Model{}, map[string]bool{}
	for i := range p.head.Models {
		m := &p.head.Models[i]
		if now[m.Table] == nil {
			now[m.Table] = m
		}
		for _, column := range m.Columns {
			has[m.Table+"\x00"+column.Column] = true
		}
	}
	var out []rule.HistoryChange
	for _, m := range p.base.Models {
		head := now[m.Table]
		if head == nil {
			continue
		}
		for _, column := range m.Columns {
			if has[m.Table+"\x00"+column.Column] {
				continue
			}
			table := strings.ReplaceAll(strings.Trim(m.Table, `"`), `"."`, ".")
			h := rule.HistoryChange{Kind: rule.Unmapped, Other: table + "." + column.Column, Detail: m.Name, Path: head.Path, Line: head.Line}
			c.removed(&h, m.Name[strings.LastIndexByte(m.Name, '.')+1:], column.Field)
			out = append(out, h)
		}
	}
	return out
}

// removed finds the RemoveField of a change among the new migrations.
func (c *comparison) removed(h *rule.HistoryChange, model, field string) {
	const name = `\s*=\s*)?["']`
	remove := regexp.MustCompile(`\bRemoveField\(\s*(?:model_name` + name + `(?i:` + regexp.QuoteMeta(model) + `)["'],\s*(?:name` + name + regexp.QuoteMeta(field) + `["']`)
	for _, r := range c.release {
		text := r.migration.Source.Text
		if at := remove.FindStringIndex(text); at != nil {
			h.Migration, h.Path, h.Line = r.migration.ID, r.migration.Path, 1+strings.Count(text[:at[0]], "\n")
			return
		}
	}
}
