package django

// Project is what rendering a project answers. All paths use forward slashes
// and are relative to the root; those of code that lies outside (Django's own,
// installed packages) are relative to Python's search path, and External.
type Project struct {
	Django   string   `json:"django"`
	Python   string   `json:"python"`
	Settings string   `json:"settings"`
	Database Database `json:"database"`
	// Sessions is what the settings make of a session on each of the other
	// Postgres databases, by alias.
	Sessions map[string]map[string]string `json:"sessions"`
	// Migrations lists those that run in the order in which `migrate` runs
	// them on an empty database, then those that never run (Replaced).
	Migrations []Migration `json:"migrations"`
	// Order names the migrations that run, as [app, name].
	Order [][2]string `json:"order"`
	// Conflicts maps an app to its leaf migrations, where there are several:
	// `migrate` refuses to run.
	Conflicts map[string][]string `json:"conflicts"`
	// Errors lists what is wrong with single migrations.
	Errors []MigrationError `json:"errors"`
	// Notes lists what went wrong while the project started, without keeping
	// it from being rendered.
	Notes  []string `json:"notes"`
	Models []Model  `json:"models"`
}

// Database is what the settings say of the default database.
type Database struct {
	// Vendor is "postgresql" or what the settings use instead ("sqlite");
	// the SQL is PostgreSQL's either way.
	Vendor string `json:"vendor"`
	Engine string `json:"engine"`
	// Driver is "psycopg", "psycopg2", or "none" for the stand-in.
	Driver string `json:"driver"`
	// Session is what the settings make of a session: the parameters that
	// OPTIONS passes to the server, in lower case ("lock_timeout": "5s"), and
	// the TimeZone that Django sets.
	Session map[string]string `json:"session"`
}

// MigrationError is why a migration, or a part of its graph, is not as its
// author meant it. Name is "" for the whole app.
type MigrationError struct {
	App     string `json:"app"`
	Name    string `json:"name"`
	Message string `json:"message"`
	// Missing is the migration, app and name, that this one depends on in vain.
	Missing []string `json:"missing"`
}

// Migration is one migration file.
type Migration struct {
	App      string `json:"app"`
	Name     string `json:"name"`
	Path     string `json:"path"`
	External bool   `json:"external"`
	// Hash is the SHA-256 of the file, in hexadecimal.
	Hash string `json:"hash"`
	// Atomic: the migration runs in one transaction.
	Atomic  bool `json:"atomic"`
	Initial bool `json:"initial"`
	// AfterDeploy: django-safemigrate keeps it back until the deploy is over.
	AfterDeploy  bool        `json:"after_deploy"`
	Dependencies [][2]string `json:"dependencies"`
	RunBefore    [][2]string `json:"run_before"`
	Replaces     [][2]string `json:"replaces"`
	// Replaced says why the migration never runs; "" when it does.
	Replaced string `json:"replaced"`
	// Database is the alias of the database that its first change is for, where
	// the routers keep that from the default one; "" for that.
	Database string `json:"database"`
	// Error is Python's last line when the file does not import.
	Error      string      `json:"error"`
	Operations []Operation `json:"operations"`
	// Statements are the messages that are sent, in order. One may hold
	// several SQL statements.
	Statements []Statement `json:"statements"`
}

// ID is the name by which Django's users know the migration: "shop.0001_initial".
func (m *Migration) ID() string { return m.App + "." + m.Name }

// Place is where something stands in a file: lines and columns count from 1,
// columns in characters; the end is exclusive.
type Place struct {
	Line      int `json:"line"`
	Column    int `json:"column"`
	EndLine   int `json:"end_line"`
	EndColumn int `json:"end_column"`
}

// Operation is one entry of a migration's list of operations.
type Operation struct {
	Class string `json:"class"`
	Place
	// Describe is Django's own sentence on it.
	Describe string `json:"describe"`
	// Model and Field are what it is about, as its author wrote them; "" for
	// none.
	Model string `json:"model"`
	Field string `json:"field"`
	// SQL is what it sends, deferred statements included.
	SQL []string `json:"sql"`
	// SQLSource is "literal" for RunSQL, else "rendered".
	SQLSource string `json:"sql_source"`
	// Opaque says what of it could not be rendered; "" for nothing.
	Opaque string `json:"opaque"`
	// Failed marks an Opaque that is an error, not the nature of the
	// operation (Python code, a question to the database).
	Failed bool `json:"failed"`
	// Elsewhere: another database runs it, if any does.
	Elsewhere bool `json:"elsewhere"`
	// Refused is what Django says where it refuses the operation on any database.
	Refused string `json:"refused"`
	// Code is the function of a RunPython.
	Code *Code `json:"code"`
	// Note says what was rendered differently from the real thing.
	Note string `json:"note"`
	// Defaults are those whose value only the database knows: a placeholder
	// of the column's type stands for each in the SQL.
	Defaults []Default `json:"defaults"`
	// StateOnly: it sends nothing.
	StateOnly bool `json:"state_only"`
	// Transaction is "migration", "operation" (one of its own, in a migration
	// that is not atomic) or "none".
	Transaction string `json:"transaction"`
}

// Default is a function that asks the database for the default of a field.
type Default struct {
	Field    string `json:"field"`
	Function string `json:"function"`
}

// Code is a Python function.
type Code struct {
	Name     string `json:"name"`
	Path     string `json:"path"`
	External bool   `json:"external"`
	Line     int    `json:"line"`
	// Writes are the tables on whose rows it works, judging by its text.
	Writes []Write `json:"writes"`
	// Replaces are the texts that it puts in the place of others, as far as its
	// text tells.
	Replaces []Replacement `json:"replaces"`
}

// Replacement is a text of a column that takes the place of another.
type Replacement struct {
	Table  string `json:"table"`
	Column string `json:"column"`
	Old    string `json:"old"`
	Now    string `json:"now"`
}

// Write is work of a function on the rows of a table.
type Write struct {
	Table string `json:"table"`
	// Verb is "updates", "deletes", "saves", "removes" or "goes over".
	Verb string `json:"verb"`
	// Whole: of all rows, judging by its text.
	Whole bool `json:"whole"`
	// Few: of few rows at a time, and that is all.
	Few bool `json:"few"`
	// Batches: of few rows at a time, until none is left.
	Batches bool `json:"batches"`
}

// Statement is one message to the server.
type Statement struct {
	SQL string `json:"sql"`
	// Op is the index of the operation that it belongs to.
	Op int `json:"op"`
	// Deferred: Django holds it back until the end of the migration.
	Deferred bool `json:"deferred"`
	// Source is "literal" for SQL that the author wrote, else "rendered".
	Source string `json:"source"`
	// Place is the string with the SQL, else the operation.
	Place
	// Start and Length are the bytes of the file that are the SQL, letter for
	// letter; Start is -1 where there are none.
	Start  int `json:"start"`
	Length int `json:"length"`
}

// Model is a class of the code as it is now, one per table; proxies have no
// fields of their own.
type Model struct {
	App     string `json:"app"`
	Model   string `json:"model"`
	DBTable string `json:"db_table"`
	Managed bool   `json:"managed"`
	Proxy   bool   `json:"proxy"`
	// AutoCreated: Django made it, for a many-to-many field.
	AutoCreated bool    `json:"auto_created"`
	Path        string  `json:"path"`
	External    bool    `json:"external"`
	Line        int     `json:"line"`
	Fields      []Field `json:"fields"`
}

// Field is a field of a model. Concrete ones have a column, which every SELECT
// of the model names; every INSERT names those that are not Generated.
type Field struct {
	Name       string `json:"name"`
	Attname    string `json:"attname"`
	Column     string `json:"column"`
	Concrete   bool   `json:"concrete"`
	Null       bool   `json:"null"`
	PrimaryKey bool   `json:"primary_key"`
	HasDefault bool   `json:"has_default"`
	// GivesValue: it has a default, and that is not None.
	GivesValue bool `json:"gives_value"`
	DBDefault  bool `json:"db_default"`
	Generated  bool `json:"generated"`
	// OnDelete is the name of what a foreign key does: "CASCADE"; "" for none.
	OnDelete string `json:"on_delete"`
	// Path and Line are where it is written, which may be an abstract model.
	Path     string `json:"path"`
	External bool   `json:"external"`
	Line     int    `json:"line"`
}
