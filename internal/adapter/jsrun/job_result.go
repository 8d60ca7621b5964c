package jsrun

// Job is a program to run.
type Job struct {
	// Path is its file in the tree.
	Path string `json:"path"`
	// Tool is the tool that runs it: "knex", "sequelize", "typeorm", "kysely", "mikro-orm", "node-pg-migrate", "db-migrate",
	// "payload", "strapi", or "client" for a function that gets a client of the database; "" is Knex, too.
	Tool string `json:"tool,omitempty"`
	// Bare is set if the tool opens no transaction around a migration. Kysely only asks.
	Bare bool `json:"bare,omitempty"`
	// Joins is set if a call without a transaction joins the transaction of the callback that makes it.
	Joins bool `json:"joins,omitempty"`
	// Client is the tool's name of its database, if the project's settings tell: "pg"; "" if they do not.
	Client string `json:"client"`
	// Settings has the tool's settings that its object needs, as JSON; "" for none.
	Settings string `json:"settings,omitempty"`
}

// Result is what a program did.
type Result struct {
	// Why says why it could not be run to its end; "" if it was.
	Why string `json:"why,omitempty"`
	// Calls are the calls that send something, in their order.
	Calls []Call `json:"calls,omitempty"`
	// Imports are the files of the revision that it got, beside its own.
	Imports []string `json:"imports,omitempty"`
	// Truncated is set if the result depends on the speed of this machine, so that it is not kept.
	Truncated bool `json:"truncated,omitempty"`
}

// Call is a chain of calls that begins with the tool's object, when it was awaited.
type Call struct {
	Value Value `json:"value"`
	Place Place `json:"place"`
	// Unread says why it is not known what is sent; then Value may be missing, and Name is the call's name.
	Unread string `json:"unread,omitempty"`
	// Exhausted is set if Unread is a bound of the interpreter: what the program does after it is not known.
	Exhausted bool `json:"exhausted,omitempty"`
	// NoUp is set for the only call of a module that exports no function to run.
	NoUp bool   `json:"noUp,omitempty"`
	Name string `json:"name,omitempty"`
	// Conditional is set if it depends on an unknown value whether the call is made, Loop if also how often.
	Conditional bool `json:"conditional,omitempty"`
	Loop        bool `json:"loop,omitempty"`
	// Idle is set for a chain that nothing awaited.
	Idle bool `json:"idle,omitempty"`
	// Needs are the questions that were answered with yes before the call was made.
	Needs []Need `json:"needs,omitempty"`
	// Block is the number of the transaction in which the program makes the call; 0 for none.
	Block int `json:"block,omitempty"`
	// Connection is the one on which it is sent: 0 is the migration's own. Beside are others with a transaction that the program
	// ends after the call only.
	Connection int   `json:"connection,omitempty"`
	Beside     []int `json:"beside,omitempty"`
	// Joined is set if it joins the transaction of a callback, which is not among its arguments.
	Joined bool `json:"joined,omitempty"`

	// decisions counts the choices before the call. thrown is set for the end of a program by an error. text is what the
	// program sent, until it is read.
	decisions int
	thrown    bool
	text      string
}

// Need is a question to the database on whose answer calls depend: knex.schema.hasTable("a").
type Need struct {
	Value Value `json:"value"`
	Line  int   `json:"line"`
}

// Place is a place in the file of the migration. Both numbers count from 1; 0 if it is not known.
type Place struct {
	Line   int `json:"l"`
	Column int `json:"c"`
}

// clearEmptyChains makes chains without a part unknown.
func (c *Call) clearEmptyChains() {
	c.Value.clearEmptyChains()
	for i := range c.Needs {
		c.Needs[i].Value.clearEmptyChains()
	}
}
