package rule

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// Config is what the engine is set to.
type Config struct {
	// Deprecated, Today and Said are as in Release.
	Deprecated map[string]string
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
	// Seeds are how many rows the deployed history puts into tables, one by one; of those
	// into which it puts no others.
	Seeds map[catalog.OID]int
	// Bookkeeping are the tables in which migration tools keep what has run.
	Bookkeeping map[string]bool
	// Uses answers for the deployed code; nil when there is none to ask.
	Uses analysis.Code
	// KnownRules are names that a suppression may use beside Rules: those
	// that were switched off.
	KnownRules map[string]bool
	// Baseline holds the fingerprints of findings to leave out.
	Baseline map[string]bool
	// KeepStatements: the statements of judged migrations are wanted in the
	// report.
	KeepStatements bool

	order map[string]int // path → index of the migration
	small map[string]bool
}

// isSmall reports whether a table is one of SmallTables, which are many when
// they come from a server's sizes.
func (c *Config) isSmall(name string) bool {
	if c.small == nil {
		c.small = make(map[string]bool, len(c.SmallTables))
		for _, t := range c.SmallTables {
			c.small[t] = true
		}
	}
	return c.small[name]
}

// on reports whether a rule runs.
func (c *Config) on(r *Rule) bool {
	if s, ok := c.Severity[r.ID]; ok {
		return s != onward.Off
	}
	if len(c.Presets) == 0 {
		return r.Preset == onward.Recommended
	}
	for _, p := range c.Presets {
		if p == r.Preset {
			return true
		}
	}
	return false
}
