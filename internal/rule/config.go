// Package rule is the contract between the engine and the rules.
//
// A rule is a value: its name, its texts, and one function that looks at a statement, a
// commit, a migration or the whole release. It does not walk trees to find out what is
// locked ([Stmt] carries the measured effects) or what changed for other code ([Tx]
// carries the deltas). It decides which effects or deltas matter, why, and what to do
// instead.
//
// Locks are judged at statements, compatibility at commits: no other session ever sees a
// change that the same transaction undoes.
package rule

import (
	"cmp"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
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
	// Fills are the columns that the deployed migrations add and fill; nil if they are not read.
	Fills *analysis.ColumnFills
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

// Rule is one check. One of Statement, Commit, Migration and Release is set; Statement beside Commit or Release, too
// if it keeps what that needs.
type Rule struct {
	// ID is the subject, then the act and the trouble: "index-create-blocking". The file
	// and the fixture are named after it.
	ID       string
	Category onward.Category
	// Severity is the severity of findings, unless the rule lowers it for a case.
	Severity onward.Severity
	// OnlyIn is the preset that turns the rule on; empty if it is one of the recommended rules.
	OnlyIn onward.Preset
	// Summary says in one sentence what is reported.
	Summary string
	// Harm says what happens then, with the mechanism, in two or three sentences.
	Harm string
	// Instead is the advice, in prose; the fixture's fixed example shows it.
	Instead string
	// Manual lists pages of the PostgreSQL manual.
	Manual []string
	// Stops says that the server refuses the statement in any case: the migration ends there, and nobody waits. BreaksNewCode says
	// that the code of the release fails, and not the deployed code.
	Stops, BreaksNewCode bool
	// MayFail says that the statement may be cancelled, and that nobody waits for it.
	MayFail bool
	// Later says that this deploy does not bring the harm, but a later act does: the removal of a column, a restored dump.
	Later bool
	// Since and Until limit the major versions of Postgres that the rule applies to; 0 is
	// no limit.
	Since, Until int
	// Last runs the rule after all others on a statement or a migration, whose findings it sees (Pass.IsClaimed, Pass.IsRefusalClaimed,
	// Pass.IsLossClaimed).
	Last bool

	// Statement looks at one statement and its effects. It is called once for each group
	// of Postgres versions with the same effects, and only for statements of the Kinds; 0
	// is all.
	Statement func(p *Pass, s *Stmt)
	Kinds     Kinds
	// Commit looks at the changes of a transaction that other sessions see. A rule with Commit may have a Statement that keeps what it needs.
	Commit func(p *Pass, t *Tx)
	// Migration looks at one migration as a whole.
	Migration func(p *Pass, m *Migration)
	// Release looks at the release after everything was judged. Judged migrations are
	// freed, so that a large release fits in memory. A rule with Release therefore has
	// Gather, which looks at each migration and keeps (Pass.Keep) what Release will need.
	Release func(p *Pass, r *Release)
	Gather  func(p *Pass, m *Migration)
}

// Preset returns the preset that turns the rule on.
func (r *Rule) Preset() onward.Preset { return cmp.Or(r.OnlyIn, onward.Recommended) }

// ruleOn is a rule with the configured versions that it applies to.
type ruleOn struct {
	*Rule
	versions []int
	// silent: the configuration switched the rule off. Its findings only claim what a statement does.
	silent bool
}

// addRule adds a rule that is on.
func (e *Engine) addRule(r *Rule) {
	e.rules = append(e.rules, r)
	e.addChecks(ruleOn{r, applicableVersions(r, e.config.Versions), false})
}

// addSilentRule adds a rule that is switched off, but whose findings may be claims. Some rules report what no other rule claims:
// they must not say in its place what a rule that is off would have said.
func (e *Engine) addSilentRule(r *Rule) {
	e.addChecks(ruleOn{r, applicableVersions(r, e.config.Versions), true})
	if r.Release != nil || r.Migration != nil {
		e.rules, e.silent[r] = append(e.rules, r), true
	}
}

// addChecks adds a rule's check of statements or of commits.
func (e *Engine) addChecks(r ruleOn) {
	switch {
	case r.Commit != nil:
		e.commitRules = append(e.commitRules, r)
	case r.Statement == nil:
		return
	}
	for k := Kinds(1); k <= anyKind; k <<= 1 {
		if r.Statement != nil && (r.Kinds == 0 || r.Kinds&k != 0) {
			e.statementRules[k] = append(e.statementRules[k], r)
		}
	}
}

// runCheck runs a rule's check for some versions: in one call if the check does not ask for
// the version, else once for each version. It does nothing if there are no versions.
func runCheck[T any](p *Pass, versions []int, check func(*Pass, T), about T) {
	if len(versions) == 0 {
		return
	}
	p.versions, p.asked = versions, false
	before := len(p.findings)
	check(p, about)
	if !p.asked || len(versions) == 1 {
		return
	}
	p.findings = p.findings[:before]
	for i := range versions {
		p.versions = versions[i : i+1 : i+1]
		check(p, about)
	}
}

func (e *Engine) isApplicable(r *Rule, versions []int) bool {
	return len(applicableVersions(r, versions)) > 0
}

// applicableVersions returns the versions that a rule applies to.
func applicableVersions(r *Rule, versions []int) []int {
	lo, hi := 0, len(versions)
	for lo < hi && r.Since != 0 && versions[lo] < r.Since {
		lo++
	}
	for hi > lo && r.Until != 0 && versions[hi-1] > r.Until {
		hi--
	}
	return versions[lo:hi:hi]
}

// Kinds is a set of kinds of statements. A release has many statements, and most rules
// are about one kind; the engine calls a rule only for its kinds.
type Kinds uint8

// The kinds. Each statement has exactly one.
const (
	CreateTable Kinds = 1 << iota // CREATE TABLE, not CREATE TABLE AS
	AlterTable                    // ALTER TABLE, and its like for views, indexes, sequences and types
	CreateIndex
	Drop    // DROP of any object
	Data    // INSERT, UPDATE, DELETE, MERGE, SELECT
	Another // every other one
)

// anyKind is the set of all kinds.
const anyKind = CreateTable | AlterTable | CreateIndex | Drop | Data | Another

// kindOf returns the kind of a statement.
func kindOf(node *pgparse.Node) Kinds {
	switch node.GetNode().(type) {
	case *pgparse.Node_CreateStmt:
		return CreateTable
	case *pgparse.Node_AlterTableStmt:
		return AlterTable
	case *pgparse.Node_IndexStmt:
		return CreateIndex
	case *pgparse.Node_DropStmt:
		return Drop
	case *pgparse.Node_InsertStmt, *pgparse.Node_UpdateStmt, *pgparse.Node_DeleteStmt, *pgparse.Node_MergeStmt, *pgparse.Node_SelectStmt:
		return Data
	}
	return Another
}
