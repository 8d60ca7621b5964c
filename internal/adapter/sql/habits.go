package sql

import (
	"regexp"
	"slices"

	"github.com/onward-sql/onward/internal/adapter"
)

// habits are what the runners do about a history that changed.
var habits = map[runner]adapter.Habits{
	supabase: {
		Edited:     "Supabase's CLI records versions, not contents: databases that have it keep what the old text did",
		Deleted:    "Supabase's CLI refuses to run (\"Remote migration versions not found in local migrations directory\")",
		OutOfOrder: "Supabase's CLI refuses to run unless it is called with --include-all",
	},
	drizzle: {Edited: "Drizzle does not run it again: databases that have it keep what the old text did"},
	pop:     {Edited: "pop records versions, not contents: databases that have it keep what the old text did"},
	tern: {
		Edited:     "tern records the number of the last one: databases that have it keep what the old text did",
		Deleted:    "tern refuses to run: numbers must have no gap, and the last one cannot be behind that of the database",
		OutOfOrder: "tern skips it: a database has the number of the last one that ran, and goes on behind it",
	},
	atlas: {
		Edited:     "Atlas compares the directory with atlas.sum, not with what was applied: databases that have it keep what the old text did",
		OutOfOrder: "Atlas refuses to run (\"added out of order\") unless --exec-order says otherwise",
	},
	refinery: {
		Renamed:    "refinery refuses to run: its name is no longer that of the one that was applied",
		Edited:     "refinery refuses to run: the checksum is no longer that of the one that was applied, and comments count",
		Deleted:    "refinery refuses to run: a migration that was applied is missing",
		OutOfOrder: "refinery refuses to run: it takes it for one that is missing in the database",
	},
	nodePg: {
		Renamed:    "node-pg-migrate records names, and refuses to run (\"Not run migration … is preceding already run migration\")",
		Edited:     "node-pg-migrate records names, not contents: databases that have it keep what the old text did",
		Deleted:    "node-pg-migrate refuses to run what comes behind it (\"Not run migration … is preceding already run migration\")",
		OutOfOrder: "node-pg-migrate refuses to run (\"Not run migration … is preceding already run migration\") unless it is called with --no-check-order",
	},
	byLiquibase: {
		Renamed:    "Liquibase knows a changeset by the path of its file: databases that have its changesets run them again",
		Edited:     "Liquibase refuses to run: \"Validation Failed: … changesets check sum\"",
		OutOfOrder: "Liquibase " + runsAfter,
	},
	dbmate: {
		Edited:     "dbmate records versions, not contents: databases that have it keep what the old text did",
		OutOfOrder: "dbmate " + runsAfter,
	},
	prisma: {
		Renamed:    "Prisma knows a migration by the name of its directory: databases that ran it run it again",
		Edited:     "Prisma does not run it again: databases that have it keep what the old text did",
		OutOfOrder: "Prisma " + runsAfter,
	},
	diesel: {
		Edited:     "Diesel records versions, not contents: databases that have it keep what the old text did",
		OutOfOrder: "Diesel " + runsAfter,
	},
	bySQLMigrate: {
		Renamed:    "sql-migrate records names, and refuses to run (\"unknown migration in database\")",
		Edited:     "sql-migrate records names, not contents: databases that have it keep what the old text did",
		Deleted:    "sql-migrate refuses to run (\"unknown migration in database\")",
		OutOfOrder: "sql-migrate " + runsAfter,
	},
}

// names and ways out of a transaction of the runners, as a sentence needs them.
var words = map[runner]struct{ name, unit, apart string }{
	supabase:     {name: "Supabase's CLI"},
	drizzle:      {name: "Drizzle", unit: "pending files", apart: "a step of the deploy of its own: Drizzle runs all that is pending in one transaction"},
	byFlyway:     {name: "Flyway"},
	tern:         {name: "tern", apart: "a file of its own, with this as a line of it:\n---- tern: disable-tx ----"},
	pop:          {name: "pop"},
	dbmate:       {name: "dbmate", apart: "a file of its own that begins with\n-- migrate:up transaction:false"},
	bySQLMigrate: {name: "sql-migrate", apart: "a file of its own that begins with\n-- +migrate Up notransaction"},
	atlas:        {name: "Atlas", apart: "a file of its own that begins with this line and an empty one:\n-- atlas:txmode none"},
	refinery:     {name: "refinery", unit: "migration", apart: "a step of the deploy of its own: refinery runs each migration in a transaction"},
	nodePg:       {name: "node-pg-migrate", unit: "pending files", apart: "a migration in JavaScript that calls\npgm.noTransaction()"},
	prisma:       {name: "Prisma", apart: "a migration of its own: a file of one statement is sent without a transaction"},
	diesel:       {name: "Diesel", unit: "migration", apart: "a migration of its own, with this in its metadata.toml:\nrun_in_transaction = false"},
	psqlOnce:     {name: "psql -1", apart: "a file of its own that is run without -1"},
	psqlText:     {name: "psql -c", apart: "a file of its own: a file of one statement is sent without a transaction"},
	byLiquibase:  {name: "Liquibase", unit: "changeset", apart: "a changeset of its own with\nrunInTransaction:false"},
}

// runsAfter is what becomes of a late migration where nothing stops it.
const runsAfter = "runs it after the newer ones; new databases run it before"

// nodePgApart are the ways to give each migration a transaction of its own.
var nodePgApart = regexp.MustCompile(`no-single-transaction|["']?single-?[tT]ransaction["']?\s*:\s*false`)

// apply puts down what the runner does about the directory as a whole.
func (r runner) apply(t adapter.Tree, set *adapter.Set) {
	set.Habits = habits[r]
	switch r {
	case drizzle:
		set.Together = true
		set.Models, set.Partial = drizzleModels(t), true
		journalOf(t, set.Source.Dir).order(set)
	case prisma:
		set.Models, set.Partial = PrismaModels(t, set.Source.Dir), true
	case nodePg:
		config, ok := adapter.Nearest(t, set.Source.Dir, "package.json")
		set.Together = !ok || !nodePgApart.MatchString(adapter.ReadFile(t, config).Text)
	case byLiquibase:
		if slices.ContainsFunc(set.Migrations, func(m *adapter.Migration) bool { return logicalPath.MatchString(m.Source.Text) }) {
			set.Habits.Renamed = ""
		}
	case byFlyway:
		c := flywayConfigured(t)
		set.Habits, set.Together = c.habits(), c.group
	}
}
