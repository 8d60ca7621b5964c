package messagelog

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/transcript"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/workload"
)

const applicationName = "application_name"

// noNumber is the number of a session that has not begun.
const noNumber = -1

// session follows one client. Its methods are called one at a time; the log's lock protects what sessions share.
type session struct {
	log    *Log
	start  wire.Startup
	number int  // in the transcript
	ready  bool // the server has sent its first ReadyForQuery
	lost   bool
	rows   int    // of the result that the server sends
	app    string // its application_name
	test   string
}

// Client takes a message that the server is about to get.
func (s *session) Client(kind byte, body []byte, size int) {
	if size > len(body) {
		s.EndReading(fmt.Sprintf("a message has %d MB, and %d MB are kept", size>>20, wire.MaxWhole>>20))
		return
	}
	s.keepTest()
	s.keepMessage(transcript.Client, kind, body)
}

// keepTest keeps which test the client is in, if that has changed.
func (s *session) keepTest() {
	test := s.start.CurrentTest()
	if test == "" {
		test, _ = workload.CutTest(s.app)
	}
	if test != s.test && !s.lost {
		s.test = test
		s.keepMessage(transcript.Test, 0, []byte(test))
	}
}

// Server takes a message that the client is about to get.
func (s *session) Server(kind byte, body []byte, _ int) {
	switch kind {
	case 'Z':
		s.rows = 0
		if !s.ready { // it belongs to the session's begin
			s.ready = true
			s.log.mu.Lock()
			defer s.log.mu.Unlock()
			s.beginSession()
			return
		}
	case 'S':
		if value, found := bytes.CutPrefix(body, []byte(applicationName+"\x00")); found {
			s.app = strings.TrimRight(string(value), "\x00")
		}
		return
	case 'D':
		if s.rows++; s.rows > MaxRows {
			return
		}
	case 'C', 'E', 'I', 's':
		s.rows = 0
	}
	if s.number != noNumber { // else an error that ends the connection at its start
		s.keepMessage(transcript.Server, kind, body)
	}
}

// EndReading ends the reading of a session: the rest of its messages is missing or makes no sense.
func (s *session) EndReading(reason string) {
	if s.lost {
		return
	}
	s.lost = true
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.beginSession()
	if s.log.full == "" {
		s.log.sessions[s.number].Lost = reason
	}
}

// Close ends a session.
func (s *session) Close() {
	if s.number == noNumber {
		return
	}
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.keepEvent(transcript.Event{Session: s.number, Source: transcript.Ends})
}

func (s *session) keepMessage(from transcript.Source, kind byte, body []byte) {
	if s.lost {
		return
	}
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.beginSession()
	s.log.keepEvent(transcript.Event{Session: s.number, Source: from, Kind: kind, Body: body})
}

// beginSession keeps the begin of the session, once. A client may send its first message before the server is ready. The log is locked.
func (s *session) beginSession() {
	if s.number != noNumber || s.log.full != "" {
		return
	}
	s.number = s.log.keepSession(s.start)
	s.log.keepEvent(transcript.Event{Session: s.number, Source: transcript.Begins})
}
