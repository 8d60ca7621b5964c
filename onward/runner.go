package onward

// Runner is who runs the migrations of a directory, and how that is known.
type Runner struct {
	// Dir is relative to the repository's root; "" for the root.
	Dir       string `json:"dir"`
	Framework string `json:"framework"`
	// Locations are the directories in Dir that the tool merges into one history; omitted if it reads Dir itself.
	Locations []string `json:"locations,omitempty"`
	// Database numbers the databases, from 1, if the directories of the repository belong to several; directories of one number share it.
	Database int `json:"database,omitempty"`
	// Tool is the runner: "Flyway", "src/migrate.ts"; "" if it is not known.
	Tool string `json:"tool,omitempty"`
	// ToldBy is the evidence for Tool: a file, or the names of the files; "" for none.
	ToldBy string `json:"told_by,omitempty"`
	// Transaction is how a file is sent that says nothing else; "" where each
	// migration says it.
	Transaction Transaction `json:"transaction,omitempty"`
	// Assumed: Transaction is a guess.
	Assumed bool `json:"assumed,omitempty"`
	// Overrides is an ignored setting for how files are sent, such as "--transaction": the
	// files of the framework say it themselves.
	Overrides string `json:"overrides,omitempty"`
	// Proof is what a deployed migration runs that the server refuses in a transaction;
	// nil where Transaction does not follow from one.
	Proof *Proof `json:"proof,omitempty"`
}

// Proof is a statement of a deployed migration.
type Proof struct {
	Command string `json:"command"`
	Path    string `json:"path"`
	Line    int    `json:"line"`
}
