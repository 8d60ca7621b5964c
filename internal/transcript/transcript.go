// Package transcript is what the clients of a recorded command sent to their server, message by message, with the values, in the order in which the
// messages came. It can be replayed on another schema. A transcript holds data: whoever keeps it, keeps it as a dump.
package transcript

// Format is the name and number of the stored format. Under one number, fields may be added, but no field changes its meaning.
const Format = "onward.transcript/1"

// Transcript has the sessions of a command.
type Transcript struct {
	// Revision is the commit whose code was recorded; "" if it is unknown.
	Revision string
	// Postgres is the server's major version.
	Postgres int
	// Database and User are what the command was given to connect with. The role owns the objects.
	Database, User string
	// Start says what the database had before the command ran.
	Start Start
	// Sessions are in the order of their begin.
	Sessions []Session
	// Events are in the order in which they happened.
	Events []Event
	// Notes are sentences about what was not kept.
	Notes []string
}

// Start is what a database has before a recorded command runs.
type Start string

// The starts.
const (
	StartsEmpty Start = "empty"
	StartsBase  Start = "base"    // the deployed schema, made of its migrations
	StartsDump  Start = "dump"    // the schema and rows of a dump
	StartsLive  Start = "unknown" // a server that was there before
)

// Session is a connection of a client.
type Session struct {
	// User, Database and Parameters come from the startup message. Parameters are its others: application_name, options, client_encoding.
	User, Database string
	Parameters     map[string]string
	// Lost says why the rest of its messages was not kept; "" if all were.
	Lost string
}

// Event is a message, or the begin or the end of a session or test.
type Event struct {
	// Session is an index in [Transcript.Sessions].
	Session int
	Source  Source
	// Kind is the first byte of the message, Body the rest without its length; see
	// https://www.postgresql.org/docs/current/protocol-message-formats.html. Of the server, results are cut if they are long,
	// and COPY data is left out.
	Kind byte
	Body []byte
}

// Source says where an event comes from.
type Source byte

// The sources of events.
const (
	Begins Source = 'b' // the session begins: its first ReadyForQuery was sent
	Client Source = 'c'
	Server Source = 's'
	Test   Source = 't' // the client is in the test that the body names from now on; in none if it is empty
	Ends   Source = 'e' // the connection is closed
)

// CountMessages returns how many events are messages of clients.
func (t *Transcript) CountMessages() int {
	n := 0
	for _, e := range t.Events {
		if e.Source == Client {
			n++
		}
	}
	return n
}
