package release

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// The names of what a rehearsal finds.
const (
	RehearsalFails          = "rehearsal-fails"
	RehearsalFailsWithRows  = "rehearsal-fails-with-rows"
	RehearsalFailsAgain     = "rehearsal-fails-again"
	RehearsalNeedsSuperuser = "rehearsal-needs-superuser"
	RehearsalTriedToEscape  = "rehearsal-tried-to-escape"
	RehearsalNotFinished    = "rehearsal-not-finished"
	RehearsalDownDiffers    = "rehearsal-down-differs"
	RehearsalTrafficStalls  = "rehearsal-traffic-stalls"
)

// RehearsalFindings are documented as rules are, and set in onward.yaml as rules are, but a server
// finds them.
func RehearsalFindings() []*rule.Rule {
	return []*rule.Rule{
		{
			ID: RehearsalFails, Category: onward.InTransaction, Severity: onward.Error,
			Summary: "The server refuses a statement of the migration when the release is rehearsed",
			Harm:    "The migration stops there in production too. What committed before stays, and the deploy waits for somebody to mend it.",
			Instead: "Mend the statement; the server's own words say what is wrong with it.",
		},
		{
			ID: RehearsalFailsWithRows, Category: onward.Data, Severity: onward.Warning,
			Summary: "The migration goes through on empty tables, and rows that the deployed schema allows stop it",
			Harm: "Rows that were there before contradict what the statement demands. The rows of the rehearsal keep to it, " +
				"so that the release is watched to its end; a few that keep to the deployed schema alone were tried beside it, and stopped the migration here. " +
				"Production may hold such rows or not.",
			Instead: "Ask production for such rows first, and clean them up in a migration of its own; rehearse on a sanitised dump with --dump to be sure.",
		},
		{
			ID: RehearsalFailsAgain, Category: onward.Idempotency, Severity: onward.Warning,
			Summary: "A migration without a transaction cannot be run again after it was cut short",
			Harm: "Its statements commit one by one. When the last one fails or the connection goes, the earlier ones stay, " +
				"and the runner's next attempt fails at the first of them.",
			Instead: "Write IF NOT EXISTS or IF EXISTS where the statement has it, or one such statement a migration.",
		},
		{
			ID: RehearsalNeedsSuperuser, Category: onward.InTransaction, Severity: onward.Warning,
			Summary: "The migration fails for a role that owns the database and is no superuser",
			Harm:    "Managed databases give nobody a superuser. Where the migrations run as one, they can read files and start programs on the server.",
			Instead: "Do it once by hand as an administrator; where production's role may, rehearse with --superuser.",
		},
		{
			ID: RehearsalTriedToEscape, Category: onward.Security, Severity: onward.Error,
			Summary: "The migration reaches out of its database: for a program, the files of the machine, or rights that are not its role's",
			Harm: "Here it came to nothing. Where migrations run as a superuser, or in the session of one who finds what it leaves, nothing stops it: " +
				"it runs with the server's rights on the server's machine.",
			Instead: "Read what it does, and who wrote it, before it runs anywhere. If a deploy needs something of the server's machine, its administrator does it, " +
				"not a migration.",
		},
		{
			ID: RehearsalNotFinished, Category: onward.Locking, Severity: onward.Error,
			Summary: "A statement did not end within the rehearsal's limits of time or size",
			Harm:    "It waits for something that does not come, runs without end, or writes more than there is room for.",
			Instead: "Do the work in batches; if it is meant to take that long, raise --limit or --max-size.",
		},
		{
			ID: RehearsalDownDiffers, Category: onward.ReleaseOrder, Severity: onward.Warning,
			Summary: "The down migration does not bring the schema back, or stops at rows that the new code may write",
			Harm:    "Whoever relies on it in an emergency gets another schema than the one the old code knows.",
			Instead: "Fix the down migration, or delete it: the next release, going forward, corrects this one.",
		},
		{
			ID: RehearsalTrafficStalls, Category: onward.Locking, Severity: onward.Error,
			Summary: "Queries waited for longer than a second because of a statement of the release",
			Harm:    "While a lock waits or is held, every further query on the table waits; connection pools run empty, and then queries on other tables wait, too.",
			Instead: "A short lock_timeout and retries for what is instant; work that grows in a migration of its own, concurrently or in batches. " +
				"onward explain of the statement's own finding shows how.",
		},
	}
}
