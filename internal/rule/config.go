package rule

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// Config is the configuration of an engine.
type Config struct {
	// Deprecated, Today, NoticeDays, Said and LaterDrops are as in Release.
	Deprecated map[string]string
	LaterDrops []analysis.LaterDrop
	NoticeDays int
	Today      string
	Said       map[string]onward.Place
	// Rules are the rules to run.
	Rules []*Rule
	// Versions are the major versions in question, ascending; not empty.
	Versions []int
	// Severity overrides rules by name; Off switches one off.
	Severity map[string]onward.Severity
	// Presets that are on; none: Recommended.
	Presets []onward.Preset
	// SmallTables are exempt from findings about work that grows.
	SmallTables []string
	// Seeds counts the rows that the deployed history inserts one by one, for tables that get no other
	// rows.
	Seeds map[catalog.OID]int
	// ProbablySmall returns why a deployed table is probably small, "" if it may be large. nil: no
	// guesses.
	ProbablySmall func(catalog.OID) string
	// Bookkeeping are the tables in which migration tools record applied migrations.
	Bookkeeping map[string]bool
	// Uses knows what the deployed code uses; nil if no code was read.
	Uses analysis.Code
	// KnownRules are names that a suppression may use in addition to Rules: rules that are switched off.
	KnownRules map[string]bool
	// Baseline holds the fingerprints of findings to leave out.
	Baseline map[string]bool
	// KeepStatements keeps the statements of judged migrations for the report.
	KeepStatements bool

	order map[string]int // path → index of the migration
	small map[string]bool
}

// isSmall reports whether a table is one of SmallTables. The list is long if it comes from a server's
// sizes.
func (c *Config) isSmall(name string) bool {
	if c.small == nil {
		c.small = make(map[string]bool, len(c.SmallTables))
		for _, t := range c.SmallTables {
			c.small[t] = true
		}
	}
	return c.small[name]
}

// isOn reports whether a rule runs.
func (c *Config) isOn(r *Rule) bool {
	if s, ok := c.Severity[r.ID]; ok {
		return s != onward.Off
	}
	return c.isOnByPreset(r)
}

// isOnByPreset reports whether a rule runs unless Severity switches it off.
func (c *Config) isOnByPreset(r *Rule) bool {
	if len(c.Presets) == 0 {
		return r.OnlyIn == ""
	}
	for _, p := range c.Presets {
		if p == r.Preset() {
			return true
		}
	}
	return false
}
