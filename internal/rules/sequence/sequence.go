// Package sequence holds the rules about sequences.
package sequence

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// severityOfUse of taking a sequence's name away: few programs name sequences
// themselves, so that it is an error only when the deployed code does.
func severityOfUse(u analysis.Usage) onward.Severity {
	switch {
	case u.Used:
		return onward.Error
	case u.IsIdle():
		return onward.Info
	}
	return onward.Warning
}

// isNameTaken reports whether something has the sequence's name at commit.
func isNameTaken(t *rule.Tx, d *rule.Delta) bool {
	return t.After.Lookup(d.Before.Name.Schema, d.Before.Name.Name) != nil
}

// isSequenceDeployed is a change of a sequence that the deployed code can know.
func isSequenceDeployed(p *rule.Pass, d *rule.Delta, kind catalog.DeltaKind) bool {
	return d.Kind == kind && d.Before != nil && d.Before.Kind == catalog.Sequence && p.IsDeployed(d)
}
