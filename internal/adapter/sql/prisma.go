package sql

import (
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// Prisma follows its manual: a directory for each migration, whose file is one message.
var prisma = runner{
	name: "Prisma", apart: "a migration of its own: a file of one statement is sent without a transaction",
	habits: adapter.Habits{
		Renamed:    "Prisma knows a migration by the name of its directory: databases that ran it run it again",
		Edited:     "Prisma does not run it again: databases that have it keep what the old text did",
		OutOfOrder: "Prisma " + runsAfter,
	},
	books:  []adapter.Book{{Table: "_prisma_migrations", Columns: `(id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0)`}},
	beside: func(p *place) bool { return p.has("migration_lock.toml") },
	list:   asTexts,
	loose:  true,
	owns:   func(name string) bool { return name == "migration.sql" },
	send: func(f *file) {
		if f.name == "migration.sql" {
			f.mode, f.whole = onward.TransactionMessage, true
		}
	},
	form: &adapter.Form{Up: "/migration.sql", Transaction: onward.TransactionMessage, Lone: true, Texts: true},
	finish: func(t adapter.Tree, set *adapter.Set) {
		set.Models, set.Partial = PrismaModels(t, set.Source.Dir), true
		set.Mends = "prisma migrate dev writes it"
	},
}
