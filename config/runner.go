package config

import (
	"strings"

	"github.com/onward-sql/onward/onward"
)

// Runner describes a team's own program that runs SQL files. Names and patterns are relative to the directory of the entry.
type Runner struct {
	// Name is how reports call the program: bin/migrate. Defaults to "your own runner".
	Name string `yaml:"name"`
	// Files are patterns of the migrations: * within a directory, ** across directories. Defaults to *.sql.
	Files []string `yaml:"files"`
	// Down are patterns of files that undo a migration.
	Down []string `yaml:"down"`
	// Programs are patterns of migrations that are programs. They are listed as not judged.
	Programs []string `yaml:"programs"`
	// Order is how migrations are sorted: by number or by name. Defaults to number.
	Order Order `yaml:"order"`
	// List is a file that names the migrations in their order. The program runs no other file.
	List string `yaml:"list"`
	// UpMarker and DownMarker begin the lines that separate the up and the down migration of a file.
	UpMarker   string `yaml:"up_marker"`
	DownMarker string `yaml:"down_marker"`
	// NoTransactionMarker begins a line of a file that runs without a transaction. NoTransactionMode is how such a file is sent:
	// as one message, the default, or statement by statement.
	NoTransactionMarker string             `yaml:"no_transaction_marker"`
	NoTransactionMode   onward.Transaction `yaml:"no_transaction_mode"`
	// PSQL is set if psql reads the files, so that its own commands count.
	PSQL bool `yaml:"psql"`
	// Replace are texts that the program replaces in a file, with their values: {"{{ .Schema }}": app}.
	Replace map[string]string `yaml:"replace"`
	// Table is the table in which the program records what has run, with or without its columns:
	// "ops.migrations (name text PRIMARY KEY)".
	Table string `yaml:"table"`

	// Together is set if all pending migrations run in one transaction. The entry has transaction: run.
	Together bool `yaml:"-"`
	// Transaction is how a file without a marker is sent; "" if the entry does not say so.
	Transaction onward.Transaction `yaml:"-"`
}

// Order is how migrations are sorted.
type Order string

// The orders. The zero value is OrderNumber.
const (
	OrderNumber Order = "number"
	OrderName   Order = "name"
)

// DisplayName is the program's name in a sentence.
func (r *Runner) DisplayName() string {
	if r.Name == "" {
		return "your own runner"
	}
	return r.Name
}

// IsUp reports whether a file, relative to the entry's directory, is a migration.
func (r *Runner) IsUp(name string) bool {
	files := r.Files
	if len(files) == 0 {
		files = []string{"*.sql"}
	}
	return Accept{Patterns: files}.Match(name) && !r.IsDown(name)
}

// IsDown reports whether a file undoes a migration.
func (r *Runner) IsDown(name string) bool { return Accept{Patterns: r.Down}.Match(name) }

// IsProgram reports whether a file is a migration that is a program.
func (r *Runner) IsProgram(name string) bool {
	return Accept{Patterns: r.Programs}.Match(name) && !r.IsUp(name) && !r.IsDown(name)
}

// HistoryTable splits Table into the name and the list of columns, which is "" if it is not given.
func (r *Runner) HistoryTable() (name, columns string) {
	if n := strings.IndexByte(r.Table, '('); n >= 0 {
		return strings.TrimSpace(r.Table[:n]), r.Table[n:]
	}
	return r.Table, ""
}
