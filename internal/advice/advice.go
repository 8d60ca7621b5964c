// Package advice holds the ways out that rules know, as values: a framework that renders
// its SQL from operations writes them in words of its own, where pasting SQL beside an
// operation would leave the framework's own state behind. Rules say what is meant, the
// framework's adapter how it is written, or "" where it is written as SQL, too.
package advice

import "strings"

// Way is one of the ways out of this package.
type Way interface{ way() }

// Of what holds locks for long.
type (
	// BuildIndex builds an index concurrently, as SQL does; DropIndex drops one.
	BuildIndex struct{ SQL string }
	DropIndex  struct{ SQL string }
	// AddConstraint adds a constraint without looking at the rows, and validates it
	// later. Name is the author's, "" for none.
	AddConstraint struct{ Name, Add, Validate string }
	// AddForeignKey is AddConstraint for the constraint of a field.
	AddForeignKey struct{ Add, Validate string }
	// KeepForeignKey makes a change of a column without making its foreign key anew.
	KeepForeignKey struct{ Change []string }
	// AddChecked adds a column that has a CHECK of its own: the column first, as SQL
	// has it, the CHECK unvalidated.
	AddChecked struct{ SQL, Add, Validate string }
	// AddUnique adds a column without UNIQUE, and the constraint behind it; FillUnique
	// one in whose rows the default is the same.
	AddUnique  struct{ Steps }
	FillUnique struct{}
	// SetNotNull makes a column required without reading the table while it is locked.
	SetNotNull struct{}
	// Steps are statements that run one by one, outside a transaction.
	Steps struct {
		Prose string
		SQL   []string
	}
	// Apart takes work that an operation does under a lock out of the transaction. Own:
	// the lock is the operation's too, so that the work cannot be moved away from it.
	Apart struct {
		Work Work
		Own  bool
		SQL  string
	}
)

// Work is what a statement works on.
type Work int

// The kinds of work.
const (
	Other Work = iota
	// Fills: the rows that a new column without NULL needs.
	Fills
	// Indexes: an index.
	Indexes
	// References: the rows that a new foreign key looks up.
	References
)

// Of what the deployed code still needs.
type (
	// KeepColumn takes a field out of the code and leaves its column alone. Nullable is
	// the SQL that lets rows do without it, "" where they can; Unbound are the foreign
	// keys that the framework clears the column for, as long as it knows it.
	KeepColumn struct {
		Table, Column, Nullable string
		Unbound                 []string
	}
	// KeepTable takes a model out of the code and leaves its table alone.
	KeepTable struct{ Table string }
	// KeepColumnName and KeepTableName rename in the code alone.
	KeepColumnName struct{ Column string }
	KeepTableName  struct{ Table string }
	// AddDefault gives a new column a default that stays for code that does not know it;
	// KeepDefault keeps the one with which it was added.
	AddDefault  struct{ Table, Column string }
	KeepDefault struct{ Table, Column string }
)

// Of what runs together.
type (
	// RunAlone takes a statement out of its transaction. Message: that is one of several
	// statements in one message.
	RunAlone struct{ Message bool }
	// BoundWaits sets a lock_timeout for the connection that migrates.
	BoundWaits struct{}
	// ClearTimeout clears a setting for one operation. Own: the operation sets it.
	ClearTimeout struct {
		Setting string
		Own     bool
	}
	// RunChecks runs the checks that wait for the end of the transaction.
	RunChecks struct{}
	// Separate moves the operation at a place to a migration of its own, so that what is
	// in front of it need not run again. Same: both are one operation.
	Separate struct {
		Where string
		Same  bool
	}
)

func (BuildIndex) way()     {}
func (DropIndex) way()      {}
func (AddConstraint) way()  {}
func (AddForeignKey) way()  {}
func (KeepForeignKey) way() {}
func (AddChecked) way()     {}
func (FillUnique) way()     {}
func (SetNotNull) way()     {}
func (Steps) way()          {}
func (Apart) way()          {}
func (KeepColumn) way()     {}
func (KeepTable) way()      {}
func (KeepColumnName) way() {}
func (KeepTableName) way()  {}
func (AddDefault) way()     {}
func (KeepDefault) way()    {}
func (RunAlone) way()       {}
func (BoundWaits) way()     {}
func (ClearTimeout) way()   {}
func (RunChecks) way()      {}
func (Separate) way()       {}

// InSteps is a way out that is written as one line of prose and SQL behind it; nil where
// there is no SQL.
func InSteps(text string) Way {
	steps, ok := cut(text)
	if !ok {
		return nil
	}
	return steps
}

func cut(text string) (Steps, bool) {
	prose, sql, ok := strings.Cut(strings.TrimSuffix(text, ";"), ":\n")
	return Steps{prose, strings.Split(sql, ";\n")}, ok
}

// UniqueInSteps is AddUnique for a way out that is written so, behind the column as SQL
// adds it without UNIQUE.
func UniqueInSteps(column, text string) Way {
	steps, ok := cut(text)
	if !ok {
		return nil
	}
	steps.SQL = append([]string{column}, steps.SQL...)
	return AddUnique{steps}
}
