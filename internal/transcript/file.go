// Package transcript is what the clients of a recorded command sent to their server, message by message, with the values, in the order in which the
// messages came. It can be replayed on another schema. A transcript holds data: whoever keeps it, keeps it as a dump.
package transcript

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxBytes is how much a transcript may hold, unpacked.
const MaxBytes = 1 << 30

// header is the first line of a file: a transcript without its events.
type header struct {
	Format   string    `json:"format"`
	Revision string    `json:"revision,omitempty"`
	Postgres int       `json:"postgres,omitempty"`
	Database string    `json:"database"`
	User     string    `json:"user"`
	Start    Start     `json:"start"`
	Notes    []string  `json:"notes,omitempty"`
	Sessions []session `json:"sessions"`
	Events   int       `json:"events"`
}

type session struct {
	User       string            `json:"user"`
	Database   string            `json:"database"`
	Parameters map[string]string `json:"parameters,omitempty"`
	Lost       string            `json:"lost,omitempty"`
}

// event is one of the other lines.
type event struct {
	Session int    `json:"s"`
	Source  string `json:"f"`
	Kind    string `json:"k,omitempty"`
	Body    []byte `json:"b,omitempty"`
}

// Write stores a transcript.
func (t *Transcript) Write(w io.Writer) error {
	packed := gzip.NewWriter(w)
	lines := json.NewEncoder(packed)
	h := header{Format, t.Revision, t.Postgres, t.Database, t.User, t.Start, t.Notes, nil, len(t.Events)}
	for _, s := range t.Sessions {
		h.Sessions = append(h.Sessions, session(s))
	}
	if err := lines.Encode(h); err != nil {
		return err
	}
	for _, e := range t.Events {
		line := event{Session: e.Session, Source: string(rune(e.Source)), Body: e.Body}
		if e.Kind != 0 {
			line.Kind = string(rune(e.Kind))
		}
		if err := lines.Encode(line); err != nil {
			return err
		}
	}
	return packed.Close()
}

// Read reads a stored transcript. An error means that it is none, that it is cut, or that it is larger than [MaxBytes].
func Read(r io.Reader) (*Transcript, error) {
	packed, err := gzip.NewReader(bufio.NewReader(r))
	if err != nil {
		return nil, fmt.Errorf("this is no transcript: %w", err)
	}
	bounded := &io.LimitedReader{R: packed, N: MaxBytes}
	lines := json.NewDecoder(bounded)
	var h header
	if err := lines.Decode(&h); err != nil {
		return nil, fmt.Errorf("this is no transcript: %w", err)
	}
	if h.Format != Format {
		return nil, fmt.Errorf("the format is %q, and this version of onward reads %q", h.Format, Format)
	}
	t := &Transcript{Revision: h.Revision, Postgres: h.Postgres, Database: h.Database, User: h.User, Start: h.Start, Notes: h.Notes}
	for _, s := range h.Sessions {
		t.Sessions = append(t.Sessions, Session(s))
	}
	for range h.Events {
		var line event
		switch err := lines.Decode(&line); {
		case err != nil && bounded.N == 0:
			return nil, fmt.Errorf("the transcript has more than %d MB", MaxBytes>>20)
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil, errors.New("the transcript is cut: its end is missing")
		case err != nil:
			return nil, err
		case line.Session < 0 || line.Session >= len(t.Sessions) || len(line.Source) != 1 || len(line.Kind) > 1:
			return nil, errors.New("the transcript has an event without a session, source or kind")
		}
		e := Event{Session: line.Session, Source: Source(line.Source[0]), Body: line.Body}
		if line.Kind != "" {
			e.Kind = line.Kind[0]
		}
		t.Events = append(t.Events, e)
	}
	if _, err := io.Copy(io.Discard, bounded); err != nil { // its end has a checksum
		return nil, fmt.Errorf("the transcript is damaged: %w", err)
	}
	return t, nil
}

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
