// Package advice holds the fixes that rules propose, as values. A framework such as Django
// renders its SQL from operations. SQL next to an operation would make its state outdated, so
// it writes the fix in its own words instead. A rule returns the fix. The framework's adapter
// returns its text, or "" if SQL is fine.
package advice

import "strings"

// Way is one of the fixes of this package.
type Way interface{ isWay() }

// Fixes for long-held locks.
type (
	// BuildIndex builds an index concurrently, as SQL does; DropIndex drops one.
	BuildIndex struct{ SQL string }
	DropIndex  struct{ SQL string }
	// AddConstraint adds a constraint without checking the rows, and validates it later.
	// Name is the name in the migration, "" for none.
	AddConstraint struct{ Name, Add, Validate string }
	// AddForeignKey is AddConstraint for the constraint of a model's field.
	AddForeignKey struct{ Add, Validate string }
	// KeepForeignKey changes a column without recreating its foreign key.
	KeepForeignKey struct{ Change []string }
	// AddChecked adds a column with a CHECK in two steps: first the column, by SQL, then
	// the CHECK NOT VALID.
	AddChecked struct{ SQL, Add, Validate string }
	// AddUnique adds a column without UNIQUE, and the constraint later. FillUnique adds a
	// unique column whose default would be the same in all rows.
	AddUnique  struct{ Steps }
	FillUnique struct{}
	// SetNotNull makes a column required without reading the table while it is locked.
	SetNotNull struct{}
	// Steps are statements that run one by one, outside a transaction.
	Steps struct {
		Prose string
		SQL   []string
	}
	// Apart moves work that an operation does under a lock out of the transaction. Own:
	// the operation itself takes the lock too, so the work cannot be separated from it.
	Apart struct {
		Work Work
		Own  bool
		SQL  string
	}
)

// Work is the kind of work that a statement does.
type Work int

// The kinds of work.
const (
	Other Work = iota
	// Fills: it fills a new NOT NULL column in all rows.
	Fills
	// Indexes: it builds an index.
	Indexes
	// References: it looks up the rows of a new foreign key.
	References
)

// Fixes for changes that the deployed code cannot bear.
type (
	// KeepColumn removes a field from the code and keeps its column. Nullable is the SQL
	// that allows rows without a value, "" if they already may. Unbound are the foreign
	// keys that the framework uses to clear the column, as long as it knows the column.
	KeepColumn struct {
		Table, Column, Nullable string
		Unbound                 []string
	}
	// KeepTable removes a model from the code and keeps its table.
	KeepTable struct{ Table string }
	// KeepColumnName and KeepTableName rename only in the code.
	KeepColumnName struct{ Column string }
	KeepTableName  struct{ Table string }
	// AddDefault gives a new column a lasting default, for code that does not know the
	// column. KeepDefault keeps the default with which the column was added.
	AddDefault  struct{ Table, Column string }
	KeepDefault struct{ Table, Column string }
)

// Fixes for statements that run together.
type (
	// RunAlone moves a statement out of its transaction. Message: the transaction is a
	// message of several statements.
	RunAlone struct{ Message bool }
	// BoundWaits sets a lock_timeout for the connection that migrates.
	BoundWaits struct{}
	// ClearTimeout resets a timeout for one operation. Own: the operation sets it.
	ClearTimeout struct {
		Setting string
		Own     bool
	}
	// RunChecks runs the checks that are deferred to the end of the transaction.
	RunChecks struct{}
	// Separate moves the operation at Where to a migration of its own, so that the
	// operations before it need not run again. Same: both are one operation.
	Separate struct {
		Where string
		Same  bool
	}
)

func (BuildIndex) isWay()     {}
func (DropIndex) isWay()      {}
func (AddConstraint) isWay()  {}
func (AddForeignKey) isWay()  {}
func (KeepForeignKey) isWay() {}
func (AddChecked) isWay()     {}
func (FillUnique) isWay()     {}
func (SetNotNull) isWay()     {}
func (Steps) isWay()          {}
func (Apart) isWay()          {}
func (KeepColumn) isWay()     {}
func (KeepTable) isWay()      {}
func (KeepColumnName) isWay() {}
func (KeepTableName) isWay()  {}
func (AddDefault) isWay()     {}
func (KeepDefault) isWay()    {}
func (RunAlone) isWay()       {}
func (BoundWaits) isWay()     {}
func (ClearTimeout) isWay()   {}
func (RunChecks) isWay()      {}
func (Separate) isWay()       {}

// InSteps parses a fix that is written as a line of prose and SQL after it; nil if it has
// no SQL.
func InSteps(text string) Way {
	steps, ok := cutSteps(text)
	if !ok {
		return nil
	}
	return steps
}

func cutSteps(text string) (Steps, bool) {
	prose, sql, ok := strings.Cut(strings.TrimSuffix(text, ";"), ":\n")
	return Steps{prose, strings.Split(sql, ";\n")}, ok
}

// UniqueInSteps returns AddUnique for a fix that is written like that. column is the SQL
// that adds the column without UNIQUE, as the first step.
func UniqueInSteps(column, text string) Way {
	steps, ok := cutSteps(text)
	if !ok {
		return nil
	}
	steps.SQL = append([]string{column}, steps.SQL...)
	return AddUnique{steps}
}
