package facts

// Statement is a statement of SQL in the code.
type Statement struct {
	// SQL is its text, with a parameter for each value that the program inserts; "" if it is
	// Open.
	SQL  string
	Line int
	// Name is its name in a comment for sqlc before it. Star is set if it returns all columns
	// of something, which sqlc writes out in its generated code.
	Name string
	Star bool
	// Open is set if the program inserts more than values at run time, or if the statement
	// was not understood.
	Open bool
	// Fault says why onward could not read the file; "" if it could.
	Fault string
}
