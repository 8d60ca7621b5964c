package analysis

import "github.com/onward-sql/onward/internal/catalog"

// Question is a rule's question about the deployed code.
type Question struct {
	Kind QuestionKind
	// Name is the table's name. With AskName it is the name of the object itself.
	Name catalog.Name
	// Column is the column in question. With AskAllColumns it is the new one.
	Column string
	// Old and Now are the values of AskValue, Old the label of AskLabel.
	Old, Now string
	// Columns are the columns of AskUpsert, separated by commas. Constraint is the constraint that ON CONFLICT may name instead.
	Columns, Constraint string
	// Object is the kind of the object of AskObject or AskName. Args are the numbers of arguments with which a function is lost, as bits.
	Object ObjectKind
	Args   uint64
	// Partial: the index that ON CONFLICT refers to has a condition.
	Partial bool
}

// QuestionKind is the kind of a question.
type QuestionKind int

// The questions.
const (
	AskTable      QuestionKind = iota // does it use the table, and what does it write to it
	AskColumn                         // does it use the column
	AskName                           // does it name something that is no table: a function, a type, a constraint
	AskUpserts                        // does it say ON CONFLICT on the table
	AskUpsert                         // does it say ON CONFLICT on these columns, or this constraint
	AskLabel                          // does it know a label (Old) of the enum
	AskValue                          // does it know a value of a column, but not the value that replaces it
	AskAllColumns                     // does it read all columns of the table, or rely on their order
	AskSetting                        // does it set a setting of a session
	AskNull                           // does it fail if a column is NULL, and does the code at the head write NULL
	AskAdded                          // which places of the code at the head use a column that the deployed code does not use there
	AskCompared                       // does it compare whole rows: DISTINCT, GROUP BY, UNION
	AskSoftDelete                     // does the code at the head mark rows as deleted in the column, which the deployed code deletes
	AskAmbiguous                      // does a join of it name the column without its table, which another table has
	AskObject                         // does a query or a mapper bind to the object: its kind counts, and not only its name
	AskBoundValue                     // does a query or a class of constants have the value (Old) of the column
)

// ObjectKind is a kind of objects that are no relations.
type ObjectKind int

// The kinds.
const (
	AnyObject      ObjectKind = iota
	FunctionObject            // an operator is one, by its sign
	TypeObject
	CollationObject
	TextSearchObject // a configuration
)

// Code answers questions about the deployed code; nil if there is no code.
type Code func(Question) Usage

func (c Code) askUsage(q Question) Usage {
	if c == nil {
		return Usage{}
	}
	return c(q)
}

// FindUses asks whether the deployed code uses a column, or a table when column is "".
func (c Code) FindUses(table catalog.Name, column string) Usage {
	if column == "" {
		return c.askUsage(Question{Kind: AskTable, Name: table})
	}
	return c.askUsage(Question{Kind: AskColumn, Name: table, Column: column})
}

// FindAmbiguousNames asks for the joins of the deployed code that name a column of another table without that table. They fail if the
// table gets such a column, too.
func (c Code) FindAmbiguousNames(table catalog.Name, column string) Usage {
	return c.askUsage(Question{Kind: AskAmbiguous, Name: table, Column: column})
}

// UsesName asks whether the deployed code names an object that is not a table: a function, a type, a constraint. A framework's models do
// not show these uses.
func (c Code) UsesName(n catalog.Name) Usage { return c.askUsage(Question{Kind: AskName, Name: n}) }

// UsesFunction is UsesName for a function or an operator. A table of that name is another object.
func (c Code) UsesFunction(n catalog.Name) Usage {
	return c.askUsage(Question{Kind: AskName, Object: FunctionObject, Name: n})
}

// UsesType is UsesName for a type.
func (c Code) UsesType(n catalog.Name) Usage {
	return c.askUsage(Question{Kind: AskName, Object: TypeObject, Name: n})
}

// FindObjectUses asks whether queries or mappers of the deployed code bind to an object. args are the numbers of arguments that a function
// lost, as bits.
func (c Code) FindObjectUses(kind ObjectKind, n catalog.Name, args uint64) Usage {
	return c.askUsage(Question{Kind: AskObject, Object: kind, Name: n, Args: args})
}

// FindValueUses asks whether the deployed code has a value of a column, in a query that compares or writes the column or in a class of
// constants.
func (c Code) FindValueUses(table catalog.Name, column, value string) Usage {
	return c.askUsage(Question{Kind: AskBoundValue, Name: table, Column: column, Old: value})
}

// UsesLabel asks whether the deployed code knows a label of an enum, as a constant in a query or in a class of constants for the enum.
func (c Code) UsesLabel(enum catalog.Name, label string) Usage {
	return c.askUsage(Question{Kind: AskLabel, Name: enum, Old: label})
}

// FindUpserts asks whether the deployed code uses, or may use, ON CONFLICT on a table, in SQL or through an ORM.
func (c Code) FindUpserts(table catalog.Name) Usage {
	return c.askUsage(Question{Kind: AskUpserts, Name: table})
}

// UpsertsOn asks whether the deployed code uses ON CONFLICT with exactly these columns, or this constraint, for a table. Uses may be
// missed, because code may build SQL at run time or use an ORM.
func (c Code) UpsertsOn(table catalog.Name, columns, constraint string) Usage {
	return c.askUsage(Question{Kind: AskUpsert, Name: table, Columns: columns, Constraint: constraint})
}

// UpsertsOnSome is UpsertsOn for an index with a condition. Only an ON CONFLICT with a condition uses such an index.
func (c Code) UpsertsOnSome(table catalog.Name, columns string) Usage {
	return c.askUsage(Question{Kind: AskUpsert, Name: table, Columns: columns, Partial: true})
}

// KnowsOnly asks whether the deployed code knows a value of a column, but not the value that replaces it. If so, the result is Used, with
// the places as evidence.
func (c Code) KnowsOnly(table catalog.Name, column, old, now string) Usage {
	return c.askUsage(Question{Kind: AskValue, Name: table, Column: column, Old: old, Now: now})
}

// FindAllColumnsUses returns the places where the deployed code reads all columns of a table into a fixed number of places, so that an added column
// has none, or writes by their order. Without a name it asks about a dropped column. The worst come first.
func (c Code) FindAllColumnsUses(table catalog.Name, added string) []AllColumnsUse {
	return c.askUsage(Question{Kind: AskAllColumns, Name: table, Column: added}).AllColumnsUses
}

// FindSettings asks whether the deployed code sets a setting of the session, such as app.tenant. The result is Known if that can be decided, and
// Used if it does.
func (c Code) FindSettings(name string) Usage {
	return c.askUsage(Question{Kind: AskSetting, Name: catalog.Name{Name: name}})
}

// MeetsNull asks which fields of the deployed code fail to read NULL from a column (FailsAtNull), and where the code at
// the head may write NULL (WritesNull). The head is only asked if the deployed code has such fields.
func (c Code) MeetsNull(table catalog.Name, column string) Usage {
	return c.askUsage(Question{Kind: AskNull, Name: table, Column: column})
}

// AddedUses asks for the places at which the code at the head uses a column and the deployed code does not. Count has their number, and
// Named says that only their names are known.
func (c Code) AddedUses(table catalog.Name, column string) Usage {
	return c.askUsage(Question{Kind: AskAdded, Name: table, Column: column})
}

// FindComparisons asks whether the deployed code compares whole rows of a table.
func (c Code) FindComparisons(table catalog.Name) Usage {
	return c.askUsage(Question{Kind: AskCompared, Name: table})
}

// FindSoftDelete asks whether the code at the head marks rows of a table as deleted in a column, where the deployed code deletes them. If so,
// the result is Used. Written has the places that mark rows. Read has the queries of the head that show marked rows, Evidence the deployed
// ones.
func (c Code) FindSoftDelete(table catalog.Name, column string) Usage {
	return c.askUsage(Question{Kind: AskSoftDelete, Name: table, Column: column})
}
