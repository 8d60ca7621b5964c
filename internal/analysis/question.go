package analysis

import "github.com/onward-sql/onward/internal/catalog"

// Question is what a rule asks of the deployed code.
type Question struct {
	Kind QuestionKind
	// Name is that of the table; of what has a name of its own, with Kind AskName.
	Name catalog.Name
	// Column is the column in question: of AskStar, the new one.
	Column string
	// Old and Now are the values of AskValue, Old the label of AskLabel.
	Old, Now string
	// Columns are those of AskUpsert, with commas between them; Constraint is the
	// constraint that ON CONFLICT may name in their place.
	Columns, Constraint string
	// Partial: the index that ON CONFLICT asks for has a condition.
	Partial bool
}

// QuestionKind is what is asked.
type QuestionKind int

// The questions.
const (
	AskTable    QuestionKind = iota // does it use the table, and what does it write to it
	AskColumn                       // does it use the column
	AskName                         // does it name something that is no table: a function, a type, a constraint
	AskUpserts                      // does it say ON CONFLICT anywhere
	AskUpsert                       // does it say ON CONFLICT on these columns, or this constraint
	AskLabel                        // does it know a label (Old) of the enum
	AskValue                        // does it know a value of a column, and not the one that takes its place
	AskStar                         // does it take all columns of the table, or count on their order
	AskSetting                      // does it set a setting of a session
	AskCompared                     // does it compare whole rows: DISTINCT, GROUP BY, UNION
)

// Code answers for the deployed code; nil where there is none to ask.
type Code func(Question) Usage

func (c Code) ask(q Question) Usage {
	if c == nil {
		return Usage{}
	}
	return c(q)
}

// Uses asks whether the deployed code uses a column, or a table when column is "".
func (c Code) Uses(table catalog.Name, column string) Usage {
	if column == "" {
		return c.ask(Question{Kind: AskTable, Name: table})
	}
	return c.ask(Question{Kind: AskColumn, Name: table, Column: column})
}

// UsesName asks whether the deployed code names something that is no table: a
// function, a type, a constraint. A framework's models do not tell of those.
func (c Code) UsesName(n catalog.Name) Usage { return c.ask(Question{Kind: AskName, Name: n}) }

// UsesLabel asks whether the deployed code knows a label of an enum: as a constant of a
// query, or in a class of constants that is for the enum.
func (c Code) UsesLabel(enum catalog.Name, label string) Usage {
	return c.ask(Question{Kind: AskLabel, Name: enum, Old: label})
}

// Upserts asks whether the deployed code says ON CONFLICT anywhere, in SQL or in
// the words of a mapper.
func (c Code) Upserts() Usage { return c.ask(Question{Kind: AskUpserts}) }

// UpsertsOn asks whether the deployed code says ON CONFLICT with exactly these
// columns, or this constraint, for a table. What it does not find may be there
// all the same: SQL is put together, and mappers have words of their own.
func (c Code) UpsertsOn(table catalog.Name, columns, constraint string) Usage {
	return c.ask(Question{Kind: AskUpsert, Name: table, Columns: columns, Constraint: constraint})
}

// UpsertsOnSome is UpsertsOn for an index with a condition, which only an ON CONFLICT with
// one finds.
func (c Code) UpsertsOnSome(table catalog.Name, columns string) Usage {
	return c.ask(Question{Kind: AskUpsert, Name: table, Columns: columns, Partial: true})
}

// KnowsOnly asks whether the deployed code knows a value of a column, and not the one
// that takes its place: it is Used where that is so, with the places as evidence.
func (c Code) KnowsOnly(table catalog.Name, column, old, now string) Usage {
	return c.ask(Question{Kind: AskValue, Name: table, Column: column, Old: old, Now: now})
}

// ReadsAll asks where the deployed code reads all columns of a table into as many places as there are, and has none for a new one, or writes by their
// order; of a column that goes, when it has no name here. The worst come first.
func (c Code) ReadsAll(table catalog.Name, added string) []Star {
	return c.ask(Question{Kind: AskStar, Name: table, Column: added}).Stars
}

// Sets asks whether the deployed code sets a setting of a session, app.tenant: it
// is Known where that can be told, and Used where it does.
func (c Code) Sets(name string) Usage {
	return c.ask(Question{Kind: AskSetting, Name: catalog.Name{Name: name}})
}

// Compares asks whether the deployed code compares whole rows of a table.
func (c Code) Compares(table catalog.Name) Usage {
	return c.ask(Question{Kind: AskCompared, Name: table})
}
