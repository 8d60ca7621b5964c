package rule

import (
	"fmt"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// explainSmall returns why a deployed table is probably small; "" if it may be large.
func (p *Pass) explainSmall(name catalog.Name) string {
	if p.config.ProbablySmall == nil || name.Name == "" {
		return ""
	}
	r := p.current.Lookup(name.Schema, name.Name)
	if r == nil || r.OID == 0 {
		return ""
	}
	return p.config.ProbablySmall(r.OID)
}

// lowerIfSmall makes an error about time a warning if the table is probably small,
// and a warning about the rows that a condition finds a note.
func (p *Pass) lowerIfSmall(f *onward.Finding, table catalog.Name) {
	lower := onward.Warning
	switch {
	case f.Severity == onward.Error && (f.Category == onward.Locking || f.Category == onward.InTransaction || f.Category == onward.Data):
	case f.Severity == onward.Warning && f.Category == onward.Data:
		lower = onward.Info
	default:
		return
	}
	reason := p.explainSmall(table)
	if reason == "" {
		return
	}
	f.Severity, f.ProbablySmall, f.SafeIf = lower, reason, table.String()+" is small"
	f.Harm += fmt.Sprintf("; %s is probably small: %s (say so in small_tables, or give --stats)", table, reason)
}
