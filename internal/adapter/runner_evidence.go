package adapter

import "github.com/onward-sql/onward/onward"

// RunnerEvidence says who runs the migrations of a directory, and how that is known.
type RunnerEvidence struct {
	// Tool is the runner, as people call it: "Flyway", "psql -1", "src/migrate.ts"; "" if
	// it is not known.
	Tool string
	// FoundIn is the evidence: a file, or the form of the files' names; "" for none.
	FoundIn string
	// Transaction is how a file without instructions of its own is sent; "" if each
	// migration has instructions.
	Transaction onward.Transaction
	// Assumed is set if this is a guess. Migrations that depend on it have Runner.Guessed.
	Assumed bool
	// Proof is the deployed migration that proves Transaction, if there is one.
	Proof Proof
}

// Proof is a statement of a deployed migration that can run only if files are sent in one
// way.
type Proof struct {
	Command, Path string
	Line          int
}
