package facts

// Facts are what one file of code says about a database, before the schema is known. They hold names and
// positions, and nothing else of the file.
type Facts struct {
	Queries []Query
	Models  []Model
	Calls   []Call
	Strings []String
	Enums   []Enum
	// Constants are constants whose text may name a relation.
	Constants []ConstantText
	// Types are types that a mapper sends to the server by name: it casts to them, or looks them up.
	Types []Place
	// Upserts are the calls of mappers that produce ON CONFLICT.
	Upserts []MapperUpsert
	// Settings are names of settings that SQL sets; "" is a name that is built at run time.
	Settings []Place
	// Builds are the lines at which calls of a mapper or a query builder make a query. A call over several lines is one.
	Builds []int
	// Compares are the lines of mappers' calls that may compare whole rows.
	Compares []int
	// AllColumnsQueries are recorded for languages whose rows must fit their target.
	AllColumnsQueries []AllColumnsQuery
	// Sqlx is set if the file uses sqlx, of Go or of Rust. Lax is set if it configures Go's sqlx to ignore
	// columns without a field.
	Sqlx, Lax bool
	// OtherDatabase is set if the file works with another database than Postgres. It has no other facts then.
	OtherDatabase bool
	// Structs are the structs of a Go file.
	Structs []Struct
	// Rows are the classes into which generated or typed code reads rows, by their names. No mapper knows them.
	Rows []Model
	// Prefixes are the prefixes of tables that modules of Ruby declare.
	Prefixes []Prefix
	// PHPClasses are classes that Eloquent may map to tables.
	PHPClasses []PHPClass
	// Fault says why onward could not read the file; "" if it could. It is not stored.
	Fault string
}

// Struct is a struct of Go. A Model says whether it is declared to a mapper.
type Struct struct {
	Class string
	Line  int
	// Fields are its possible columns: its exported fields, and the names in their tags.
	Fields []Word
	Bases  []Base
}

// Base is a class whose columns another class has too.
type Base struct {
	// Name is the class; in Go, the directory of its package precedes it.
	Name string
	// Prefix precedes the names of its columns in the other class.
	Prefix string
}

// AllColumnsQuery is a query whose rows have all columns of a relation, and the target of its rows. The query has SELECT *,
// or RETURNING * after the statement that How names.
type AllColumnsQuery struct {
	Relation
	// As is the alias before the star: f of SELECT f.*.
	As string
	// Others is the number of further columns in a row, plus one; 0 if it is not known.
	Others int
	// Exact: the rows go into structs that need a field for each column and a column for each field. Fitting:
	// they need a field for each column. Sqlx: they do too, if the called method, known by its name, is sqlx's.
	Exact, Fitting, Sqlx bool
	// Scans lists how many targets each Scan of its rows has.
	Scans []int
}

// Place is a name, and the line that contains it.
type Place struct {
	Name string
	Line int
}

// Query is a statement of SQL in the code.
type Query struct {
	Line int
	// Open is set if the program inserts more than values at run time.
	Open bool
	// Relations are the relations that it names, once for each time; names from its WITH do not count.
	Relations []Relation
	Columns   []Column
	Writes    []Write
	// Functions are those that it calls; Schema is "" if none is given. An operator that the server itself does not have is listed as
	// a function, by its sign.
	Functions []FunctionCall
	// Types, Collations and TextSearches (configurations) are those that it names.
	Types, Collations, TextSearches []Relation
	// Constants are its text constants.
	Constants []Constant
	// Constraints are named by ON CONFLICT and SET CONSTRAINTS.
	Constraints []Place
	// Routine is the function whose body contains it; no name for none.
	Routine Relation
	// Upserts are its ON CONFLICT clauses.
	Upserts []Upsert
	// Compares is set if it compares whole rows, by DISTINCT, GROUP BY or a set operation.
	Compares bool
	// Whole is set if it reads all rows of its only relation, one by one.
	Whole bool
	// Picks says how it picks rows of its only relation.
	Picks Picks
	// Row is the struct into which its rows are read; "" if the call does not name one.
	Row string
}

// Picks is how a query picks the rows of its only relation.
type Picks int

// The ways to pick rows.
const (
	// PicksUnknown: all rows, or rows of several relations.
	PicksUnknown Picks = iota
	// PicksFixed: the row with a key that the query itself contains, or the first row. So the table seems to have one.
	PicksFixed
	// PicksSome: the rows of another condition.
	PicksSome
)

// Constant is a text of a query, and what it is a value for, if the query shows it.
type Constant struct {
	Text string
	Line int
	// Column is the column that it is compared with or written to. Of are the relations that may have this
	// column, as in Column.
	Column string
	Of     []int
	// Type is the type that it is cast to, and Function the function whose argument it is, if it is for no
	// column.
	Schema, Type, Function string
}

// Upsert is an ON CONFLICT of a query.
type Upsert struct {
	// Relation is an index into Relations, or OtherSource.
	Relation int
	Line     int
	Target
}

// Target is what ON CONFLICT needs an index for: columns, in order, or the name of a constraint. DO NOTHING may
// have neither.
type Target struct {
	// Columns has "" for an expression other than lower(a) and upper(a).
	Columns    []string
	Constraint string
	// Open is set if the program builds it at run time.
	Open bool
	// Where is set if it has a condition, or may have one.
	Where bool
}

// MapperUpsert is a call of a mapper that produces ON CONFLICT. Its target is Open if the call does not spell it
// out.
type MapperUpsert struct {
	Line int
	Target
	// Table is the table that the call itself names; "" for none.
	Table string
	// Model is the receiver of the call, if it is written there. Keeper is set if the receiver holds the model,
	// as userRepo. Fields is set if the target has the model's fields instead of columns.
	Model          string
	Keeper, Fields bool
	// Own is set if it may be a function of the program itself.
	Own bool
	// Words are the names in the call and in the lines above it.
	Words []uint32
}

// Relation is a name with its schema, as in SQL.
type Relation struct {
	Schema, Name string
	Line         int
	How          How
}

// FunctionCall is a call of a function.
type FunctionCall struct {
	Relation
	// Args is the number of its arguments, plus one; 0 if it is not known, or if they have names.
	Args int
}

// Column is a name in a query that may be a column.
type Column struct {
	Name string
	Line int
	How  How
	// Of are the relations that the column may belong to, as indexes, the innermost query first. OtherSource is
	// a sub-query, a function or text that the program inserts; NextLevel ends the sources of one query.
	Of []int
}

// Values in Column.Of that are no indexes.
const (
	OtherSource = -1
	NextLevel   = -2
)

// Write is what a query writes to a relation.
type Write struct {
	Relation int // index into Relations
	How      How
	Line     int
	// Columns are the columns that it gives values to. Listed is set if an INSERT or COPY lists them.
	Columns []Given
	Listed  bool
	// Values is how many an INSERT without a list gives; 0 if it is not known. From is the relation whose
	// columns it copies unchanged, counted from 1; 0 for none.
	Values, From int
}

// Given is a column that is written, and its value if that is a constant.
type Given struct {
	Column, Value string
	Constant      bool
}

// Model is what code declares to its mapper about a table.
type Model struct {
	// Table is its name, with its schema if one is given; if it is "", the name is derived from Class.
	Schema, Table, Class string
	// Constant is the constant of another file that has the name of the table; "" for none.
	Constant string
	Line     int
	Fields   []Field
	// Row is set if its name says that it is the shape of a table's rows, and no mapper reads it.
	Row bool
	// Put is set if the program inserts the name into SQL at run time, and no mapper reads it.
	Put bool
	// Guessed is set if no mapper is mentioned near it, but the class has a table's name and its fields have
	// columns' names. The rows of some queries in the code may be read into it.
	Guessed bool
	// Base is set if it has no table of its own: models that list it in Bases have its fields.
	Base  bool
	Bases []Base
	// Scope has the modules around the class, in Ruby: "Admin::Reports". Derived is set if it is a model only if the class that
	// it extends, the first in Bases, is one.
	Scope   string
	Derived bool
	// Names is set if it gives each class that extends it a table by the name of the class, in Python.
	Names bool
	// All is set if the mapper names every column of the table, except Without.
	All     bool
	Without []Place
}

// Field is a column of a model. If Column is "", the name is derived from Field.
type Field struct {
	Field, Column string
	// Constant is the constant of another file that has the name of the column; "" for none.
	Constant string
	Line     int
	// Left is set if the mapper is configured to ignore it.
	Left bool
	// Null says whether the field takes NULL.
	Null Null
	// Default says what is inserted without a value of the program.
	Default Default
}

// Null says what happens if NULL is read into a field.
type Null int

// The answers. A mapper that reads NULL as the zero value makes it NullUnknown.
const (
	NullUnknown Null = iota
	NullFails
	NullTaken
)

// Enum is a class of constants of a program: an enum, a union of texts.
type Enum struct {
	Class  string
	Line   int
	Labels []Label
}

// Label is one value of a class. Its text, or its name, is written to a column.
type Label struct {
	Name, Text string
	Line       int
}

// Call is a mapper's call with the name of a table as a text, and the other names in the same statement of the
// code.
type Call struct {
	// Constant is the constant with the name, as "pkg.Name" or "Name", if another file has it; Table is then "".
	Table, Constant string
	// Class is the full name of a class of PHP whose table is meant; Table is then "".
	Class string
	Line  int
	How   How
	Words []Word
}

// Word is a name in a call.
type Word struct {
	Mark uint32
	Line int
}

// String is a short text in quotation marks.
type String struct {
	Mark uint32
	Line int
}

// HashText returns the hash that represents a text.
func HashText(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}

// Prefix is the prefix of the tables of the classes in a module.
type Prefix struct{ Module, Text string }

// MaxConstant bounds the length of a constant that is recorded.
const MaxConstant = 64

// A mapper's call may get the name of its table from a constant of this or another file: knex(USERS).

// ConstantText is a constant of a file whose text may be the name of a relation.
type ConstantText struct {
	Name, Text string
	// Alias is the constant that it gets its text from; "" if it has the text itself.
	Alias string
}

// Grade says how a use is known.
type Grade uint8

// The grades, from nothing to sure.
const (
	// Unused: there is no evidence of a use.
	Unused Grade = iota
	// Named: an exact identifier in code that works on the relation.
	Named
	// Parsed: SQL that was parsed and bound to the schema, or a declaration for a mapper.
	Parsed
	// Observed: a server saw the query.
	Observed
)

// How is what code does with a relation or a column.
type How uint8

// What code does.
const (
	Reads How = iota
	Inserts
	Updates
	Deletes
	Copies  // COPY … FROM
	Exports // COPY … TO
	Truncates
	Locks
	Maps  // a declaration for a mapper
	Names // a string, or an identifier
)

// HowSet is a set of what code does.
type HowSet uint16

// NewHowSet returns a set.
func NewHowSet(list ...How) (s HowSet) {
	for _, h := range list {
		s |= 1 << h
	}
	return s
}

// Has reports whether a set has an element.
func (s HowSet) Has(h How) bool { return s&(1<<h) != 0 }

// IsWithin reports whether a set has elements, all of which are in another set.
func (s HowSet) IsWithin(other HowSet) bool { return s != 0 && s&^other == 0 }

// What inserts no rows into the table, and what reads none of it. A declaration for a mapper, or a name in a text, may do anything.
var (
	InsertsNothing = NewHowSet(Reads, Updates, Deletes, Exports, Truncates, Locks)
	ReadsNothing   = NewHowSet(Deletes, Truncates, Inserts, Copies, Locks)
)
