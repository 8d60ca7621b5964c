package terminal

// Options say how a report is printed. The zero value is plain text, 100
// columns wide.
type Options struct {
	// Color allows escape sequences. Colour never has a meaning that no word has.
	Color bool
	// Links makes the names of rules links to their pages, in a terminal that supports them.
	Links bool
	// Width is in columns; 0 means 100. It is limited to 60 to 100: longer lines are hard to read.
	Width int
	// Verbose prints every statement and every effect, and SQL in full.
	Verbose bool
	// Brief lists only the migrations with findings: the report has no changes and statements.
	Brief bool
	// Proof prints a verified release in short: what breaks, and the findings.
	Proof bool
	// Quiet prints the findings and the verdict only.
	Quiet bool
	// Dir is the directory that the terminal's paths are relative to, so that they can be clicked. It is relative to
	// the repository's root, with forward slashes; "" is the root.
	Dir string
}
