package django

// Project is the renderer's answer for a project. All paths use forward slashes and are
// relative to the root. Paths of code outside it (Django's own, installed packages) are
// relative to Python's search path, and External.
type Project struct {
	Django   string   `json:"django"`
	Python   string   `json:"python"`
	Settings string   `json:"settings"`
	Database Database `json:"database"`
	// Sessions has the parameters of a session on each of the other Postgres databases,
	// by alias.
	Sessions map[string]map[string]string `json:"sessions"`
	// Migrations lists the migrations that run, in the order in which `migrate` runs them
	// on an empty database, and after them those that never run (Replaced).
	Migrations []Migration `json:"migrations"`
	// Order names the migrations that run, as [app, name].
	Order [][2]string `json:"order"`
	// Conflicts maps an app to its leaf migrations, if there are several: `migrate`
	// refuses to run.
	Conflicts map[string][]string `json:"conflicts"`
	// Errors lists what is wrong with single migrations.
	Errors []MigrationError `json:"errors"`
	// Notes lists problems at the start of the project that did not prevent rendering.
	Notes  []string `json:"notes"`
	Models []Model  `json:"models"`
}

// Database holds the settings of the default database.
type Database struct {
	// Vendor is "postgresql" or the vendor in the settings ("sqlite"); the SQL is
	// PostgreSQL's in any case.
	Vendor string `json:"vendor"`
	Engine string `json:"engine"`
	// Driver is "psycopg", "psycopg2", or "none" if a stub replaces it.
	Driver string `json:"driver"`
	// Session has the parameters of a session: those that OPTIONS passes to the server,
	// in lower case ("lock_timeout": "5s"), and the TimeZone that Django sets.
	Session map[string]string `json:"session"`
}

// MigrationError says why a migration, or a part of its graph, does not work as its
// author meant it. Name is "" for the whole app.
type MigrationError struct {
	App     string `json:"app"`
	Name    string `json:"name"`
	Message string `json:"message"`
	// Missing is the migration, app and name, that this one depends on and that does not
	// exist.
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
	// Atomic is set if the migration runs in one transaction.
	Atomic  bool `json:"atomic"`
	Initial bool `json:"initial"`
	// AfterDeploy is set if django-safemigrate holds it back until the deploy is over.
	AfterDeploy  bool        `json:"after_deploy"`
	Dependencies [][2]string `json:"dependencies"`
	RunBefore    [][2]string `json:"run_before"`
	Replaces     [][2]string `json:"replaces"`
	// Replaced says why the migration never runs; "" if it does.
	Replaced string `json:"replaced"`
	// Database is the alias of the database that its first change is for, if the routers
	// keep that change from the default database; else "".
	Database string `json:"database"`
	// Error is the last line of Python's error if the file cannot be imported.
	Error      string      `json:"error"`
	Operations []Operation `json:"operations"`
	// Statements are the messages that are sent, in order. One may hold
	// several SQL statements.
	Statements []Statement `json:"statements"`
}

// ID is the name by which Django's users know the migration: "shop.0001_initial".
func (m *Migration) ID() string { return m.App + "." + m.Name }

// Place is a range in a file: lines and columns count from 1, columns in characters; the
// end is exclusive.
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
	// Describe is Django's own description of it.
	Describe string `json:"describe"`
	// Model and Field are its subject, as the author wrote them; "" for none.
	Model string `json:"model"`
	Field string `json:"field"`
	// SQL is the SQL that it sends, including deferred statements.
	SQL []string `json:"sql"`
	// SQLSource is "literal" for RunSQL, else "rendered".
	SQLSource string `json:"sql_source"`
	// Opaque says which part of it could not be rendered; "" for none.
	Opaque string `json:"opaque"`
	// Failed is set if Opaque is an error, and not due to the kind of operation (Python
	// code, a query to the database).
	Failed bool `json:"failed"`
	// Elsewhere is set if it runs on another database or on none.
	Elsewhere bool `json:"elsewhere"`
	// Refused is Django's error if it refuses the operation on any database.
	Refused string `json:"refused"`
	// Code is the function of a RunPython.
	Code *Code `json:"code"`
	// Note says how the rendering differs from a real run.
	Note string `json:"note"`
	// Defaults are those whose value only the database knows. In the SQL, a placeholder
	// of the column's type stands for each.
	Defaults []Default `json:"defaults"`
	// StateOnly is set if it sends nothing.
	StateOnly bool `json:"state_only"`
	// Transaction is "migration", "operation" (one of its own, in a migration
	// that is not atomic) or "none".
	Transaction string `json:"transaction"`
}

// Default is a field's default that a function computes with a query to the database.
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
	// Writes are the tables whose rows it changes, judged by its text.
	Writes []Write `json:"writes"`
	// Replaces are the values that it replaces by others, as far as its text shows.
	Replaces []Replacement `json:"replaces"`
	// Changes are all rows that it may write, a single one too.
	Changes []Change `json:"changes"`
}

// Change is a write of a function, of any number of rows.
type Change struct {
	Table string `json:"table"`
	// Verb is "INSERT", "UPDATE" or "DELETE"; Columns are those that an UPDATE sets to something.
	Verb    string   `json:"verb"`
	Columns []string `json:"columns"`
	// Line is the call's, in the function's file.
	Line int `json:"line"`
}

// Replacement is a value of a column and the value that replaces it.
type Replacement struct {
	Table  string `json:"table"`
	Column string `json:"column"`
	Old    string `json:"old"`
	Now    string `json:"now"`
}

// Write is a function's work on the rows of a table.
type Write struct {
	Table string `json:"table"`
	// Verb is "updates", "deletes", "saves", "removes" or "goes over".
	Verb string `json:"verb"`
	// Whole is set if it covers all rows, judged by the text.
	Whole bool `json:"whole"`
	// Few is set if it covers only a few rows in all.
	Few bool `json:"few"`
	// Batches is set if it covers a few rows at a time, until none is left.
	Batches bool `json:"batches"`
}

// Statement is one message to the server.
type Statement struct {
	SQL string `json:"sql"`
	// Op is the index of the operation that it belongs to.
	Op int `json:"op"`
	// Deferred is set if Django holds it back until the end of the migration.
	Deferred bool `json:"deferred"`
	// Conditional is set if rows that the database has may make it unnecessary.
	Conditional bool `json:"conditional"`
	// Source is "literal" for SQL that the author wrote, else "rendered".
	Source string `json:"source"`
	// Place is the string with the SQL, else the operation.
	Place
	// Start and Length are the bytes of the file that are exactly the SQL; Start is -1 if
	// there are none.
	Start  int `json:"start"`
	Length int `json:"length"`
}

// Model is a class of the current code, one per table; proxies have no fields of their
// own.
type Model struct {
	App     string `json:"app"`
	Model   string `json:"model"`
	DBTable string `json:"db_table"`
	Managed bool   `json:"managed"`
	Proxy   bool   `json:"proxy"`
	// AutoCreated is set if Django created it, for a many-to-many field.
	AutoCreated bool `json:"auto_created"`
	// ByTriggers is set if only triggers insert rows into its table.
	ByTriggers bool    `json:"by_triggers"`
	Path       string  `json:"path"`
	External   bool    `json:"external"`
	Line       int     `json:"line"`
	Fields     []Field `json:"fields"`
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
	// GivesValue is set if it has a default other than None.
	GivesValue bool `json:"gives_value"`
	DBDefault  bool `json:"db_default"`
	Generated  bool `json:"generated"`
	// OnDelete is the action of a foreign key: "CASCADE"; "" for none.
	OnDelete string `json:"on_delete"`
	// Path and Line are its position, which may be in an abstract model.
	Path     string `json:"path"`
	External bool   `json:"external"`
	Line     int    `json:"line"`
}
