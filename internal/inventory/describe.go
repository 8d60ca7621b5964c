package inventory

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// readers are the kinds of entries that use a relation, and do not belong to it.
var readers = []string{"view", "materialized view", "rule", "policy", "function", "generated column", "object"}

// DescribeLoss returns a sentence about the loss, and the next step of the user.
func (l *Loss) DescribeLoss(r *onward.PlanReplacement) string {
	table := r.Old
	var text string
	switch column := r.OldColumn + " of " + table; {
	case l.Successor != "":
		return l.nameSubject(table) + " is not what the plan was made for: " + l.Definition + ". In its place would be " + l.Successor +
			". Give both the same form"
	case r.Kind == onward.ReplacementColumn && slices.Contains(readers, l.Kind):
		text = l.nameSubject(table) + " reads " + column
	case r.Kind == onward.ReplacementColumn:
		text = l.nameSubject(table) + " is about " + column + ", and would go with it"
	case l.Kind == "row security":
		text = table + " has row-level security, which " + r.New + " would not have"
	case l.Kind == "publication" && l.Definition == "except":
		text = l.nameSubject(table) + " leaves out " + table + ", and would send the new table"
	case l.Kind == "publication" || l.Kind == "subscription":
		text = l.nameSubject(table) + " sends " + table + ", and would go on with the old table"
	case l.Kind != "policy" && l.Kind != "generated column" && slices.Contains(readers, l.Kind) && (l.Kind != "rule" || strings.Contains(l.Name, " of ")):
		text = l.nameSubject(table) + " reads " + table + ", and would go on with the old table"
	default:
		text = l.nameSubject(table) + " would be lost with the table"
	}
	if l.Changed {
		text += ". It has changed since the plan was begun"
	} else {
		text += ": the plan does not know it"
	}
	if l.Equal != "" {
		text += ". Drop it, or give " + r.NewColumn + " the same: " + l.Equal
	}
	return text
}

// nameSubject names the entry.
func (l *Loss) nameSubject(table string) string {
	switch {
	case l.Name == "":
		return "the " + l.Kind + " of " + table
	case l.Kind == "column":
		return "column " + l.Name + " of " + table
	case namedAsColumn[l.Kind]:
		return "the " + l.Kind + " of " + l.Name
	case l.Kind == "statistics":
		return "statistics object " + l.Name + " of " + table
	case l.Kind == "object":
		return l.Name
	case strings.Contains(l.Name, " of ") || slices.Contains([]string{"view", "materialized view", "function", "publication", "subscription"}, l.Kind):
		return l.Kind + " " + l.Name
	}
	return l.Kind + " " + l.Name + " of " + table
}
