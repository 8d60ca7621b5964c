package data

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
)

// addFiredTriggers adds the row triggers that a write of many rows fires to the harm of a report.
func addFiredTriggers(r *rule.Report, s *rule.Stmt, w *analysis.Write) {
	if text := describeFiredTriggers(s, w); text != "" {
		r.Harm += "; " + text
	}
}

// describeFiredTriggers says which triggers a write fires for each row, and what they do; "" for none.
func describeFiredTriggers(s *rule.Stmt, w *analysis.Write) string {
	if s.Settings.ReplicaRole {
		return ""
	}
	var names []string
	seen := map[catalog.OID]bool{}
	for _, f := range analysis.ListFired(s.Before, w.Table, w.Node) {
		if !f.Trigger.Row || seen[f.Trigger.ID] {
			continue
		}
		seen[f.Trigger.ID] = true
		name := f.Trigger.Name
		if !f.Direct {
			name += " of " + f.Table.Name.String()
		}
		names = append(names, name+describeTriggerActs(s.Before, f))
	}
	if len(names) == 0 {
		return ""
	}
	return "for each row it fires " + prose.PickForm(len(names), "trigger ", "triggers ") + prose.FirstNames(names, 4)
}

// describeTriggerActs says what a trigger's function does besides changing its row, in brackets; "" for nothing.
func describeTriggerActs(c *catalog.Catalog, f analysis.FiredTrigger) string {
	body := catalog.ReadBody(f.Function)
	var tables, acts []string
	for _, t := range body.ListWrittenRelations(c) {
		if name := t.Name.String(); !slices.Contains(tables, name) {
			tables = append(tables, name)
		}
	}
	if len(tables) > 0 {
		acts = append(acts, "writes "+prose.EnumerateNames(tables))
	}
	if body.HasCallOf("pg_notify") || analysis.MentionsWord(strings.ToLower(f.Function.Body), "notify") {
		acts = append(acts, "sends a notification")
	}
	if len(acts) == 0 {
		return ""
	}
	return " (" + strings.Join(acts, ", ") + ")"
}
