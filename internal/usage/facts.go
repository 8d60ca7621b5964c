package usage

// Facts are what one file of code says of a database, before it is known which. They
// hold names and places, and nothing else of the file.
type Facts struct {
	Queries []Query
	Models  []Model
	Calls   []Call
	Strings []String
	Enums   []Enum
	// Constants are those that may name a relation.
	Constants []ConstantText
	// Types are those that a mapper says to the server by their names: it casts to them, or
	// looks them up.
	Types []Place
	// Upserts are the calls of mappers that make ON CONFLICT.
	Upserts []MapperUpsert
	// Settings are names of settings that SQL sets; "" is one that is put together.
	Settings []Place
	// Compares are the lines of mappers' calls that may compare whole rows.
	Compares []int
	// Stars are of languages whose rows must fit what they are read into.
	Stars []Star
	// Sqlx: the file names sqlx, of Go or of Rust. Lax: it tells that of Go to pass over
	// columns that have no field.
	Sqlx, Lax bool
	// Structs are those of Go.
	Structs []Struct
	// Fault says why onward could not read the file; "" for no fault. It is not kept.
	Fault string
}

// Struct is a struct of Go. Whether a mapper is told of it, a Model tells.
type Struct struct {
	Class string
	Line  int
	// Fields are what it has for columns: its exported fields, and the names in their tags.
	Fields []Word
	Bases  []Base
}

// Base is a class whose columns are those of another one, too.
type Base struct {
	// Name has, in Go, the directory of its package in front.
	Name string
	// Prefix is what its columns have in front there.
	Prefix string
}

// Star is a query whose rows have all columns of a relation, by SELECT * or by RETURNING *
// behind what How says, and what a program reads them into.
type Star struct {
	Relation
	// As is what stands in front of the star: f of SELECT f.*.
	As string
	// Others is how many columns a row has besides, counted from 1; 0 is not known.
	Others int
	// Exact: into structs that have a field for each column, and no other; Fitting: that
	// have one for each column. Sqlx: so does a method by a name that sqlx has for it.
	Exact, Fitting, Sqlx bool
	// Scans are how many places each Scan of them fills.
	Scans []int
}

// Place is a name, and the line that it stands in.
type Place struct {
	Name string
	Line int
}

// Query is a statement of SQL in the code.
type Query struct {
	Line int
	// Open: the program puts more into it as it runs than values.
	Open bool
	// Relations are those that it names, each time. What its WITH makes is none.
	Relations []Relation
	Columns   []Column
	Writes    []Write
	// Functions and Types are those that it names, Schema "" for none given.
	Functions, Types []Relation
	// Constants are its texts.
	Constants []Constant
	// Constraints are those that ON CONFLICT and SET CONSTRAINTS name.
	Constraints []Place
	// Routine is the function whose body it stands in; no name for none.
	Routine Relation
	// Upserts are its ON CONFLICT.
	Upserts []Upsert
	// Compares: whole rows are compared, by DISTINCT, GROUP BY or a set operation.
	Compares bool
}

// Constant is a text of a query, and what it is a value of, as far as the query says.
type Constant struct {
	Text string
	Line int
	// Column is what it is compared with, or written to, and Of are the relations that
	// may have it, as in Column.
	Column string
	Of     []int
	// Type is what it is cast to, and Function what it is given to, where it is for no
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

// Target is what ON CONFLICT asks an index for: columns, in order, or the name of a
// constraint; DO NOTHING may ask for neither.
type Target struct {
	// Columns has "" for an expression that is none of lower(a) and upper(a).
	Columns    []string
	Constraint string
	// Open: the program puts it together as it runs.
	Open bool
	// Where: it has a condition, or may have one.
	Where bool
}

// MapperUpsert is a call of a mapper that makes ON CONFLICT. Its target is Open where it
// does not spell it.
type MapperUpsert struct {
	Line int
	Target
	// Table is the table that the call itself names; "" for none.
	Table string
	// Model is what it is called on, where it says so; Keeper: or what keeps it,
	// userRepo; Fields: the target has the fields of the model.
	Model          string
	Keeper, Fields bool
	// Own: it may be a function of the program's own.
	Own bool
	// Words are the names in the call and shortly above it.
	Words []uint32
}

// Relation is a name with its schema, as SQL has it.
type Relation struct {
	Schema, Name string
	Line         int
	How          How
}

// Column is a name in a query that may be that of a column.
type Column struct {
	Name string
	Line int
	How  How
	// Of are the relations whose column it may be, as indexes, the innermost query's
	// first. OtherSource is a sub-query, a function or what the program puts in;
	// NextLevel ends the sources of one query.
	Of []int
}

// What Column.Of has besides indexes.
const (
	OtherSource = -1
	NextLevel   = -2
)

// Write is what a query writes to a relation.
type Write struct {
	Relation int // index into Relations
	How      How
	Line     int
	// Columns are those that it gives values to; Listed says that an INSERT or COPY
	// names them.
	Columns []Given
	Listed  bool
	// Values is how many an INSERT without a list gives; 0 is not known. From is the
	// relation whose columns it takes as they are, counted from 1; 0 for none.
	Values, From int
}

// Given is a column that is written, and the constant, where it is one.
type Given struct {
	Column, Value string
	Constant      bool
}

// Model is what code tells its mapper of a table.
type Model struct {
	// Table is its name, with its schema where one is given; "" is made from Class.
	Schema, Table, Class string
	Line                 int
	Fields               []Field
	// Row: it is the shape of the table's rows, by its name, and no mapper reads it.
	Row bool
	// Put: the program puts the name into SQL as it runs, and no mapper reads it.
	Put bool
	// Guessed: no mapper is named beside it, but the class is called as a table is, and its
	// fields say columns: rows may be read into it that queries of the code give.
	Guessed bool
	// Base: it has no table of its own; its fields are those of the models that say so
	// in Bases.
	Base  bool
	Bases []Base
	// All: the mapper names every column of the table, except Without.
	All     bool
	Without []Place
}

// Field is a column of a model. Column is "" where its name is made from Field.
type Field struct {
	Field, Column string
	Line          int
	// Left: the mapper is told to leave it alone.
	Left bool
}

// Enum is a class of constants of a program: an enum, a union of texts.
type Enum struct {
	Class  string
	Line   int
	Labels []Label
}

// Label is one of a class. What is written to a column is its text, or its name.
type Label struct {
	Name, Text string
	Line       int
}

// Call is a mapper's call that gives the name of a table as a text, and what else
// stands in the same statement of the code.
type Call struct {
	// Constant is the constant that gives it, as "pkg.Name" or "Name", if another file has it; Table is "" then.
	Table, Constant string
	Line            int
	How             How
	Words           []Word
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

// Mark is what stands for a text.
func Mark(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}
