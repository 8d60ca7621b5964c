package adapter

import "github.com/onward-sql/onward/onward"

// Told is how it is known who runs the migrations of a directory.
type Told struct {
	// Tool is who does, for people: "Flyway", "psql -1", "src/migrate.ts"; "" where
	// nobody says.
	Tool string
	// By is what tells it: a file, or what the files are named like; "" for nothing.
	By string
	// Transaction is how a file is sent that says nothing else; "" where each
	// migration says it.
	Transaction onward.Transaction
	// Assumed: it is a guess. Migrations that are sent by it have Runner.Guessed.
	Assumed bool
	// Proof is what shows Transaction, where a deployed migration does.
	Proof Proof
}

// Proof is a statement of a deployed migration that runs in one way of sending a file only.
type Proof struct {
	Command, Path string
	Line          int
}
