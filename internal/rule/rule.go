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

	"github.com/onward-sql/onward/onward"
)

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
